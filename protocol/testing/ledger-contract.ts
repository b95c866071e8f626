/**
 * What every Ledger and every RoundClock must do, as tests. An implementation calls `describeLedgerContract`
 * or `describeRoundClockContract` in a test file of its own. The rules stand with their ids in ../ledger.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceAddress, Hex } from '../hex.ts';
import type { Attestation, ClockReading, Ledger, RoundClock, Signed, Vote } from '../ledger.ts';

export interface LedgerFixture {
  readonly ledger: Ledger;
  /** The device that `ledger` signs for, in lower case. */
  readonly device: DeviceAddress;
  /** The ledger of another device on the same network. */
  readonly other: Ledger;
  readonly otherDevice: DeviceAddress;
  /** The ledger of the first device on another network. */
  readonly elsewhere: Ledger;
}

const ATTESTATION: Attestation = {
  round: 3,
  checkpointRoot: `0x${'11'.repeat(32)}`,
  rolloutDigest: `0x${'22'.repeat(32)}`,
};

const winnerOf = (byte: string): DeviceAddress => `0x${byte.repeat(20)}`;
const VOTE: Vote = { round: 3, winners: [winnerOf('aa'), winnerOf('bb'), winnerOf('cc')] };

/** What nobody can have signed, whatever the value. */
const MALFORMED_SIGNATURES: readonly string[] = ['', '0x', '0x12', '0xzz', `0x${'00'.repeat(65)}`];

/** Tests that a ledger keeps the rules [LE-01] to [LE-08]. `create` makes a fresh one for each test. */
export function describeLedgerContract(
  name: string,
  create: () => LedgerFixture | Promise<LedgerFixture>,
): void {
  describe(`${name} as a Ledger`, () => {
    let fixture: LedgerFixture;
    beforeEach(async () => {
      fixture = await create();
    });

    it('[LE-01] signs attestations and votes for its own device, in 65 bytes', async () => {
      const { ledger, device } = fixture;
      const attested = await ledger.signAttestation(ATTESTATION);
      expect(attested.value).toEqual(ATTESTATION);
      const voted = await ledger.signVote(VOTE);
      expect(voted.value).toEqual(VOTE);
      for (const signed of [attested, voted]) {
        expect(signed.device).toBe(device);
        expect(signed.signature).toMatch(/^0x[0-9a-f]{130}$/);
      }
    });

    it('[LE-02] verifies what any device of the network has signed', async () => {
      const { ledger, other, otherDevice } = fixture;
      for (const verifier of [ledger, other]) {
        expect(await verifier.verifyAttestation(await ledger.signAttestation(ATTESTATION))).toBe(true);
        expect(await verifier.verifyVote(await ledger.signVote(VOTE))).toBe(true);
      }
      const signed = await other.signAttestation(ATTESTATION);
      expect(signed.device).toBe(otherDevice);
      expect(await ledger.verifyAttestation(signed)).toBe(true);
      const nobody = await ledger.signVote({ round: 3, winners: [] });
      expect(await other.verifyVote(nobody)).toBe(true);
    });

    it('[LE-03] does not verify a value that was changed after signing', async () => {
      const { ledger } = fixture;
      const attested = await ledger.signAttestation(ATTESTATION);
      const changed = (change: Partial<Attestation>): Signed<Attestation> => ({
        ...attested,
        value: { ...ATTESTATION, ...change },
      });
      expect(await ledger.verifyAttestation(changed({}))).toBe(true);
      expect(await ledger.verifyAttestation(changed({ round: 4 }))).toBe(false);
      const swapped = { rolloutDigest: ATTESTATION.checkpointRoot };
      expect(await ledger.verifyAttestation(changed(swapped))).toBe(false);
      expect(await ledger.verifyAttestation(changed({ checkpointRoot: ATTESTATION.rolloutDigest }))).toBe(
        false,
      );
      const voted = await ledger.signVote(VOTE);
      const fewer = { ...voted, value: { ...VOTE, winners: VOTE.winners.slice(1) } };
      expect(await ledger.verifyVote(fewer)).toBe(false);
      expect(await ledger.verifyVote({ ...voted, value: { ...VOTE, round: 4 } })).toBe(false);
    });

    it('[LE-04] does not verify a signature as another device’s, or of another network', async () => {
      const { ledger, elsewhere, otherDevice } = fixture;
      const attested = await ledger.signAttestation(ATTESTATION);
      expect(await ledger.verifyAttestation({ ...attested, device: otherDevice })).toBe(false);
      expect(await ledger.verifyAttestation({ ...attested, device: winnerOf('dd') })).toBe(false);
      expect(await elsewhere.verifyAttestation(attested)).toBe(false);
      const voted = await ledger.signVote(VOTE);
      expect(await ledger.verifyVote({ ...voted, device: otherDevice })).toBe(false);
      expect(await elsewhere.verifyVote(voted)).toBe(false);
      expect(await ledger.verifyAttestation({ ...attested, signature: voted.signature })).toBe(false);
    });

    it('[LE-05] answers false to what no device can have signed, and never throws', async () => {
      const { ledger } = fixture;
      const attested = await ledger.signAttestation(ATTESTATION);
      const voted = await ledger.signVote(VOTE);
      for (const round of [-1, 0.5, Number.NaN, 2 ** 70]) {
        const value = { ...ATTESTATION, round };
        expect(await ledger.verifyAttestation({ ...attested, value })).toBe(false);
        expect(await ledger.verifyVote({ ...voted, value: { ...VOTE, round } })).toBe(false);
      }
      for (const checkpointRoot of ['0x', '0x12', '0xzz'] as const) {
        const value = { ...ATTESTATION, checkpointRoot };
        expect(await ledger.verifyAttestation({ ...attested, value })).toBe(false);
      }
      expect(await ledger.verifyVote({ ...voted, value: { round: 3, winners: ['0x'] } })).toBe(false);
      const cut: Hex = `0x${attested.signature.slice(2, -2)}`;
      for (const signature of [...MALFORMED_SIGNATURES, cut, `${attested.signature}00`]) {
        expect(await ledger.verifyAttestation({ ...attested, signature: signature as Hex })).toBe(false);
        expect(await ledger.verifyVote({ ...voted, signature: signature as Hex })).toBe(false);
      }
    });

    it('[LE-06] signs a vote with its winners in lower case and ascending order', async () => {
      const { ledger, other } = fixture;
      const mixed: Hex = `0x${'BB'.repeat(20)}`;
      const signed = await ledger.signVote({ round: 3, winners: [winnerOf('cc'), mixed, winnerOf('aa')] });
      expect(signed.value).toEqual(VOTE);
      expect(await other.verifyVote(signed)).toBe(true);
    });

    it('[LE-07] refuses to sign a round that is none, and a winner twice', async () => {
      const { ledger } = fixture;
      for (const round of [-1, 0.5, Number.NaN]) {
        await expect(ledger.signAttestation({ ...ATTESTATION, round })).rejects.toThrow('is no round');
        await expect(ledger.signVote({ ...VOTE, round })).rejects.toThrow('is no round');
      }
      const twice = [winnerOf('aa'), winnerOf('bb'), winnerOf('aa')];
      await expect(ledger.signVote({ round: 3, winners: twice })).rejects.toThrow('once');
    });

    it('[LE-08] tells the standing of every device asked about', async () => {
      const { ledger } = fixture;
      expect(await ledger.standingsOf([])).toEqual([]);
      const nobody = [winnerOf('aa'), winnerOf('bb')];
      expect(await ledger.standingsOf(nobody)).toEqual([{ kind: 'unknown' }, { kind: 'unknown' }]);
    });
  });
}

export interface RoundClockFixture {
  readonly clock: RoundClock;
  /** Lets `ms` milliseconds pass. */
  advance(ms: number): void | Promise<void>;
  stop(): void | Promise<void>;
}

/**
 * Tests that a clock keeps the rules [RC-01] to [RC-03]. `start` makes a fresh one, anywhere in a round, for
 * each test.
 */
export function describeRoundClockContract(
  name: string,
  start: () => RoundClockFixture | Promise<RoundClockFixture>,
): void {
  describe(`${name} as a RoundClock`, () => {
    let fixture: RoundClockFixture;
    beforeEach(async () => {
      fixture = await start();
    });
    afterEach(async () => {
      await fixture.stop();
    });

    /**
     * The readings at the beginning of the present stage's successor and of the `count - 1` stages after it.
     */
    async function stageStarts(count: number): Promise<readonly ClockReading[]> {
      const readings: ClockReading[] = [];
      while (readings.length < count) {
        await fixture.advance(fixture.clock.read().untilStageEnd);
        readings.push(fixture.clock.read());
      }
      return readings;
    }

    it('[RC-01] goes from answer to critique to vote, and to the next round', async () => {
      const starts = await stageStarts(7);
      const after = { answer: 'critique', critique: 'vote', vote: 'answer' } as const;
      for (const [index, reading] of starts.entries()) {
        expect(reading.sinceStageStart).toBe(0);
        const previous = starts[index - 1];
        if (previous === undefined) continue;
        expect(reading.stage).toBe(after[previous.stage]);
        expect(reading.round).toBe(reading.stage === 'answer' ? previous.round + 1 : previous.round);
      }
    });

    it('[RC-02] counts up what has passed of a stage as it counts down what is left', async () => {
      const [start] = await stageStarts(1);
      if (start === undefined) throw new Error('A stage has begun.');
      const half = Math.floor(start.untilStageEnd / 2);
      await fixture.advance(half);
      expect(fixture.clock.read()).toEqual({
        ...start,
        sinceStageStart: half,
        untilStageEnd: start.untilStageEnd - half,
      });
    });

    it('[RC-03] has one 32-byte seed for each round', async () => {
      const starts = await stageStarts(7);
      const seeds = new Map<number, Set<string>>();
      for (const { round, seed } of starts) {
        expect(seed).toMatch(/^0x[0-9a-f]{64}$/);
        seeds.set(round, (seeds.get(round) ?? new Set()).add(seed));
      }
      expect([...seeds.values()].every((values) => values.size === 1)).toBe(true);
      expect(new Set([...seeds.values()].flatMap((values) => [...values])).size).toBe(seeds.size);
    });
  });
}
