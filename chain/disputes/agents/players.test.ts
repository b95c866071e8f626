import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../devnet/anvil.ts';
import type { GameView } from '../port.ts';
import { type Arena, startArena } from '../testing/disputes-chain.ts';
import { playMatch } from '../testing/match.ts';
import { LENGTH, type Lie, SLOT, worldEvidence } from '../testing/sample-run.ts';
import { tell } from '../transcript/format-transcript.ts';
import { explain, type GameStory } from '../transcript/transcript.ts';

const LIES: readonly (readonly [string, Lie])[] = [
  ['a parameter before the step', { step: 1, slot: SLOT.w, element: 3, mask: 0x400000 }],
  ['a batch', { step: 2, slot: SLOT.x, element: 1029, mask: 0x400000 }],
  ['a table', { step: 0, slot: SLOT.t, element: 0 }],
  ['the metadata', { step: 1, slot: SLOT.meta }],
  ['one bit of a sum of two', { step: 0, slot: SLOT.sum, element: LENGTH - 1 }],
  ['a long sum', { step: 2, slot: SLOT.norm, mask: 0x800000 }],
  ['one bit of the result', { step: 1, slot: SLOT.next, element: 1024, mask: 1 }],
  ['a root that no trace gives', { step: 2, slot: SLOT.last }],
];

const FALSE: readonly number[] = [SLOT.w, SLOT.x, SLOT.t, SLOT.norm, SLOT.last];

/** How an honest challenger's game about each slot ends: what is given cannot be shown to be anything else. */
const BY: Readonly<Record<number, string>> = {
  ...{ [SLOT.w]: 'unanswered', [SLOT.x]: 'unanswered', [SLOT.meta]: 'unanswered', [SLOT.t]: 'shown' },
  ...{ [SLOT.sum]: 'judge', [SLOT.norm]: 'judge', [SLOT.next]: 'judge', [SLOT.last]: 'shown' },
};

describe.skipIf(NO_ANVIL !== undefined)(`Players${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`, () => {
  let arena: Arena;
  const truth = worldEvidence();
  const storyOf = (view: GameView | undefined): GameStory => {
    if (view === undefined) throw new Error('There was no game.');
    return explain(view, truth);
  };

  beforeAll(async () => {
    arena = await startArena();
  }, 60_000);
  afterAll(() => arena?.stop());

  it.each(LIES)('an auditor wins against a claim with another value of %s', async (_, lie) => {
    const result = await playMatch({ arena, claims: worldEvidence({ lie }), computes: truth });
    expect(result.claim.lost).toBe(true);
    expect(result.view?.events.at(-1)).toMatchObject({ kind: 'over', claimantWon: false });
    expect(result.auditor).toBeGreaterThan(result.claim.bond / 3n);
    expect(result.claimant).toBeLessThan(-result.claim.bond + 1n);
    const story = storyOf(result.view);
    expect(story.chapters.slice(0, 2)).toMatchObject([
      { kind: 'step', step: lie.step, of: 3 },
      { kind: 'slot', slot: lie.slot, name: truth.slotNames[lie.slot] },
    ]);
    expect(story.verdict).toMatchObject({ winner: 'challenger', by: BY[lie.slot] });
  });

  // One for each way that such a game can end.
  it.each(LIES.filter(([, { slot }]) => FALSE.includes(slot)))(
    'a defender wins against an auditor that is wrong about %s',
    async (_, lie) => {
      const result = await playMatch({ arena, claims: truth, computes: worldEvidence({ lie }) });
      expect(result.claim).toMatchObject({ lost: false, settled: true, liveGames: 0 });
      expect(result.view?.events.at(-1)).toMatchObject({ kind: 'over', claimantWon: true });
      expect(result.claimant).toBeGreaterThan(0n);
      expect(result.auditor).toBeLessThan(0n);
      expect(storyOf(result.view).verdict).toMatchObject({ winner: 'claimant' });
    },
  );

  it('the story of a long sum tells the number, the part and both values', async () => {
    const lie = { step: 2, slot: SLOT.norm, mask: 0x800000 };
    const { view } = await playMatch({ arena, claims: worldEvidence({ lie }), computes: truth });
    const { chapters, verdict } = storyOf(view);
    const [honest] = await (await truth.trace(2)).accumulators(SLOT.norm, 0);
    const claimed = new DataView((await (await worldEvidence({ lie }).trace(2)).tensor(SLOT.norm)).buffer);
    const bits = claimed.getUint32(0, true);
    expect(chapters.slice(1)).toEqual([
      expect.objectContaining({ kind: 'slot', what: 'output', operator: 'norm.square', name: 'norm' }),
      { kind: 'leaf', leaf: 0, of: 1 },
      { kind: 'element', element: 0, of: 1, claimed: { bits, value: claimed.getFloat32(0, true) } },
      expect.objectContaining({ kind: 'chunk', chunk: 0, of: 17, before: { bits: 0, value: 0 } }),
    ]);
    expect(verdict).toMatchObject({ by: 'judge', computed: { bits: honest }, claimed: { bits } });
    const told = tell(storyOf(view));
    expect(told).toHaveLength(7);
    expect(told.at(-1)).toMatch(/^The judge computed .* The challenger won\.$/);
  });

  it('an auditor wins against a step left out, and against silence', async () => {
    const skipped = await playMatch({ arena, claims: worldEvidence({ skip: 1 }), computes: truth });
    expect(skipped.claim.lost).toBe(true);
    const lie = { step: 0, slot: SLOT.sum, mask: 0x400000 };
    const silent = await playMatch({ arena, claims: worldEvidence({ lie }), computes: truth, silent: true });
    expect(silent.claim.lost).toBe(true);
    expect(silent.view?.events).toMatchObject([{ kind: 'over', claimantWon: false }]);
  });

  it('a game that is not there is said not to be', async () => {
    await expect((await arena.party()).look(1_000_000)).rejects.toThrow(
      'There is no claim or game of this number',
    );
  });

  it('an auditor leaves a true claim alone, and it stands', async () => {
    const result = await playMatch({ arena, claims: truth, computes: worldEvidence() });
    expect(result.said.map(({ kind }) => kind)).toEqual(['checking', 'agrees', 'settled', 'withdrew']);
    expect(result.claim).toMatchObject({ lost: false, settled: true });
    expect(result.view).toBeUndefined();
  });
});
