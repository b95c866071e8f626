import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../devnet/anvil.ts';
import type { GameView } from '../port.ts';
import { type DisputesChain, startDisputesChain } from '../testing/disputes-chain.ts';
import type { Fault } from '../testing/fault.ts';
import { playMatch } from '../testing/match.ts';
import { LENGTH, SLOT, sampleRun } from '../testing/sample-run.ts';
import { formatTranscript } from '../transcript/format-transcript.ts';
import { type GameTranscript, transcriptOf } from '../transcript/transcript.ts';

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['a parameter before the step', { step: 1, slot: SLOT.w, element: 3, mask: 0x400000 }],
  ['a batch', { step: 2, slot: SLOT.x, element: 1029, mask: 0x400000 }],
  ['a table', { step: 0, slot: SLOT.t, element: 0 }],
  ['the metadata', { step: 1, slot: SLOT.meta }],
  ['one bit of a sum of two', { step: 0, slot: SLOT.sum, element: LENGTH - 1 }],
  ['a long sum', { step: 2, slot: SLOT.norm, mask: 0x800000 }],
  ['one bit of the result', { step: 1, slot: SLOT.next, element: 1024, mask: 1 }],
  ['a root that no trace gives', { step: 2, slot: SLOT.last }],
];

/** One for each way in which a game about a false challenge can end. */
const CHALLENGED_SLOTS: readonly number[] = [SLOT.w, SLOT.x, SLOT.t, SLOT.norm, SLOT.last];

/**
 * How an honest challenger's game about each slot ends. A slot that was given cannot be shown to be anything
 * else.
 */
const BY: Readonly<Record<number, string>> = {
  ...{ [SLOT.w]: 'unanswered', [SLOT.x]: 'unanswered', [SLOT.meta]: 'unanswered', [SLOT.t]: 'shown' },
  ...{ [SLOT.sum]: 'judge', [SLOT.norm]: 'judge', [SLOT.next]: 'judge', [SLOT.last]: 'shown' },
};

describe.skipIf(NO_ANVIL !== undefined)(
  `Auditor and Defender${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let chain: DisputesChain;
    const truth = sampleRun();
    const transcript = (view: GameView | undefined): GameTranscript => {
      if (view === undefined) throw new Error('There was no game.');
      return transcriptOf(view, truth);
    };

    beforeAll(async () => {
      chain = await startDisputesChain();
    });
    afterAll(() => chain?.stop());

    it.each(FAULTS)('an auditor wins against a claim with another value of %s', async (_, fault) => {
      const result = await playMatch({ chain, claims: sampleRun({ fault }), computes: truth });
      expect(result.claim.lost).toBe(true);
      expect(result.view?.events.at(-1)).toMatchObject({ kind: 'over', claimantWon: false });
      expect(result.auditor).toBeGreaterThan(result.claim.bond / 3n);
      expect(result.claimant).toBeLessThan(-result.claim.bond + 1n);
      const written = transcript(result.view);
      expect(written.sections.slice(0, 2)).toMatchObject([
        { kind: 'step', step: fault.step, of: 3 },
        { kind: 'slot', slot: fault.slot, name: truth.slotNames[fault.slot] },
      ]);
      expect(written.verdict).toMatchObject({ winner: 'challenger', by: BY[fault.slot] });
    });

    it.each(FAULTS.filter(([, { slot }]) => CHALLENGED_SLOTS.includes(slot)))(
      'a defender wins against an auditor that is wrong about %s',
      async (_, fault) => {
        const result = await playMatch({ chain, claims: truth, computes: sampleRun({ fault }) });
        expect(result.claim).toMatchObject({ lost: false, settled: true, liveGames: 0 });
        expect(result.view?.events.at(-1)).toMatchObject({ kind: 'over', claimantWon: true });
        expect(result.claimant).toBeGreaterThan(0n);
        expect(result.auditor).toBeLessThan(0n);
        expect(transcript(result.view).verdict).toMatchObject({ winner: 'claimant' });
      },
    );

    it('the transcript of a long sum has the number, the part and both values', async () => {
      const fault = { step: 2, slot: SLOT.norm, mask: 0x800000 };
      const { view } = await playMatch({ chain, claims: sampleRun({ fault }), computes: truth });
      const { sections, verdict } = transcript(view);
      const [honest] = await (await truth.trace(2)).accumulators(SLOT.norm, 0);
      const claimed = new DataView((await (await sampleRun({ fault }).trace(2)).tensor(SLOT.norm)).buffer);
      const bits = claimed.getUint32(0, true);
      expect(sections.slice(1)).toEqual([
        expect.objectContaining({ kind: 'slot', what: 'output', operator: 'norm.square', name: 'norm' }),
        { kind: 'leaf', leaf: 0, of: 1 },
        { kind: 'element', element: 0, of: 1, claimed: { bits, value: claimed.getFloat32(0, true) } },
        expect.objectContaining({ kind: 'chunk', chunk: 0, of: 17, before: { bits: 0, value: 0 } }),
      ]);
      expect(verdict).toMatchObject({ by: 'judge', computed: { bits: honest }, claimed: { bits } });
      const told = formatTranscript(transcript(view));
      expect(told).toHaveLength(7);
      expect(told.at(-1)).toMatch(/^The judge computed .* The challenger won\.$/);
    });

    it('an auditor wins against a step left out, and against silence', async () => {
      const skipped = await playMatch({ chain, claims: sampleRun({ skip: 1 }), computes: truth });
      expect(skipped.claim.lost).toBe(true);
      const fault = { step: 0, slot: SLOT.sum, mask: 0x400000 };
      const silent = await playMatch({ chain, claims: sampleRun({ fault }), computes: truth, silent: true });
      expect(silent.claim.lost).toBe(true);
      expect(silent.view?.events).toMatchObject([{ kind: 'over', claimantWon: false }]);
    });

    it('a game that does not exist is reported as such', async () => {
      await expect((await chain.player()).look(1_000_000)).rejects.toThrow(
        'There is no claim or game of this number',
      );
    });

    it('an auditor leaves a true claim alone, and it stands', async () => {
      const result = await playMatch({ chain, claims: truth, computes: sampleRun() });
      expect(result.events.map(({ kind }) => kind)).toEqual(['checking', 'agrees', 'settled', 'withdrew']);
      expect(result.claim).toMatchObject({ lost: false, settled: true });
      expect(result.view).toBeUndefined();
    });
  },
);
