import { type Address, encodeAbiParameters, keccak256, toHex } from 'viem';
import { describe, expect, it } from 'vitest';
import { frontier, HashTree } from '../../../protocol/hash-tree.ts';
import { encodeSlot, termsHash } from '../../../protocol/slot-encoding.ts';
import { playGame } from '../agents/play-game.ts';
import { budgetOf, type Settings } from '../port.ts';
import type { Fault } from '../testing/fault.ts';
import { SLOT, sampleRun } from '../testing/sample-run.ts';
import { claimTree } from '../trees.ts';
import { hashOfList, hashOfTerms, slotBytes } from './abi-words.ts';
import { challengeBond, claimBond, maxMoves, maxSeconds } from './bonds.ts';
import { afterMove, clockAtChallenge, isOver } from './clocks.ts';
import type { ReferenceJudge } from './judge.ts';
import { ReferenceDisputes } from './reference-disputes.ts';
import { ReferencePort } from './reference-port.ts';
import { MoveRevertError } from './revert.ts';
import { frontierPlaces, rootOfFrontier, rootOver, verifyProof } from './trees.ts';

const SETTINGS: Settings = { window: 1800, stepSeconds: 600, budget: 5400, extension: 600, moveBond: 1000n };
const CLAIMANT: Address = `0x${'11'.repeat(20)}`;
const CHALLENGER: Address = `0x${'22'.repeat(20)}`;
const ACCOMPLICE: Address = `0x${'33'.repeat(20)}`;

/** The games in this file end before the arithmetic. */
const NO_JUDGE: ReferenceJudge = {
  folds: () => false,
  element: () => undefined,
  chunkOf: () => undefined,
  total: () => 0,
  chunkLimit: () => 0,
};

describe('trees', () => {
  it.each([1, 2, 3, 5, 16, 17, 33, 100])('[V-01] of %i leaves are those that the agents make', (size) => {
    const leaves = Array.from({ length: size }, (_, i) => keccak256(toHex(i)));
    const tree = new HashTree(leaves);
    expect(rootOver(leaves)).toBe(tree.root);
    for (const index of [0, Math.floor(size / 2), size - 1]) {
      const claim = { leaf: tree.subtree(index, 1), index, size, proof: tree.proof(index), root: tree.root };
      expect(verifyProof(claim)).toBe(true);
      expect(verifyProof({ ...claim, index: size })).toBe(false);
      expect(verifyProof({ ...claim, leaf: keccak256('0x') })).toBe(false);
      expect(verifyProof({ ...claim, proof: [...claim.proof, tree.root] })).toBe(false);
    }
    const nodes = frontier({ first: 0, size }, 4, tree.subtree);
    expect(rootOfFrontier(nodes, size, 4)).toBe(tree.root);
    expect(frontierPlaces(size, 4).reduce((sum, part) => sum + part.size, 0)).toBe(size);
    expect(() => rootOfFrontier([...nodes, tree.root], size, 4)).toThrow(MoveRevertError);
  });
});

describe('abi words', () => {
  it('[V-02] hash as the contract does', () => {
    const { terms, program } = sampleRun();
    expect(hashOfTerms(terms)).toBe(termsHash(terms));
    expect(program.map(slotBytes)).toEqual(program.map(encodeSlot));
    const list = [1, 2, 2 ** 32 - 1];
    expect(hashOfList(list)).toBe(keccak256(encodeAbiParameters([{ type: 'uint32[]' }], [list])));
  });
});

describe('clocks and bonds', () => {
  it('[V-32] give a claimant an extension for each game before, up to a second budget', () => {
    expect(clockAtChallenge(SETTINGS, { steps: 3, liveGames: 2, now: 100 })).toMatchObject({
      claimantLeft: 8400,
      challengerLeft: 7200,
    });
    expect(clockAtChallenge(SETTINGS, { steps: 3, liveGames: 1000, now: 100 }).claimantLeft).toBe(14_400);
  });

  it('[V-30] [V-31] run for the side to move only, to the last second, and leave time to answer', () => {
    const clock = clockAtChallenge(SETTINGS, { steps: 3, liveGames: 0, now: 0 });
    expect([isOver(clock, 7200), isOver(clock, 7201)]).toEqual([false, true]);
    const next = afterMove(clock, 7000, false, 600);
    expect(next).toEqual({ claimantLeft: 200, challengerLeft: 7200, since: 7000, claimantToMove: false });
    expect(afterMove(next, 7010, true, 600).claimantLeft).toBe(600);
    expect(() => afterMove(clock, 7201, false, 600)).toThrow('OutOfTime');
  });

  it('[V-34] [V-60] are what the contract asks', () => {
    const { terms } = sampleRun();
    expect(maxMoves(terms)).toBe(17);
    expect(maxMoves({ ...terms, steps: 17, slots: 257 })).toBe(23);
    expect(challengeBond(terms, SETTINGS)).toBe(37_000n);
    expect(claimBond(terms, SETTINGS)).toBe(148_000n);
    expect(maxSeconds(terms, SETTINGS)).toBe(3600 + 3 * 7200 + 17 * 600);
    // 13 steps more, in the window and in three budgets.
    expect(maxSeconds({ ...terms, steps: 16 }, SETTINGS) - maxSeconds(terms, SETTINGS)).toBe(4 * 13 * 600);
  });
});

/**
 * A claim and two challenges. The software's own decisions play the second game to its end, without a chain.
 */
async function played(fault: Fault, faulty: 'claimant' | 'challenger') {
  const disputes = new ReferenceDisputes({ settings: SETTINGS, judge: NO_JUDGE });
  let now = 1000;
  const portOf = (me: Address) => new ReferencePort({ disputes, me, clock: () => now });
  const [truth, wrong] = [sampleRun(), sampleRun({ fault })];
  const claims = faulty === 'claimant' ? wrong : truth;
  const computes = faulty === 'claimant' ? truth : wrong;
  const claimant = portOf(CLAIMANT);
  const { terms } = claims;
  const bonds = await claimant.bonds(terms);
  const root = claimTree(await claims.stepRoots()).root;
  await claimant.play({ kind: 'claim', terms, root, bond: bonds.claim });
  const accomplice = portOf(ACCOMPLICE);
  await accomplice.play({ kind: 'challenge', claim: 0, terms, bond: bonds.challenge });
  const challenger = portOf(CHALLENGER);
  await challenger.play({ kind: 'challenge', claim: 0, terms, bond: bonds.challenge });
  const challenges = () => playGame({ port: challenger, game: 1, side: 'challenger', evidence: computes });
  for (let turns = 0; turns < 40; turns++) {
    now += 10;
    await playGame({ port: claimant, game: 1, side: 'claimant', evidence: claims });
    await challenges();
  }
  const later = (seconds: number): void => {
    now += seconds;
  };
  return { disputes, bonds, portOf, challenges, later };
}

describe('players of the reference game', () => {
  it.each([
    ['a parameter', { step: 1, slot: SLOT.w, element: 3, mask: 0x400000 }],
    ['a batch', { step: 2, slot: SLOT.x, element: 1029, mask: 0x400000 }],
    ['a table', { step: 0, slot: SLOT.t, element: 0, mask: 0x400000 }],
    ['the metadata', { step: 1, slot: SLOT.meta }],
    ['the root', { step: 2, slot: SLOT.last }],
  ])('an auditor wins about %s, and shares the reward by its moves', async (_, fault) => {
    const { disputes, bonds, portOf, challenges, later } = await played(fault, 'claimant');
    // Where the claimant has nothing to show, its time runs out.
    later(3 * 7200);
    await challenges();
    expect(disputes.claimAt(0)).toMatchObject({ lost: true, moves: 1 });
    const reward = bonds.claim / 2n;
    const moves = BigInt(disputes.gameAt(1).moves);
    expect(disputes.creditOf(CHALLENGER)).toBe(bonds.challenge + (reward * moves) / (moves + 1n));
    expect(await portOf(ACCOMPLICE).play({ kind: 'release', game: 0 })).toEqual({ kind: 'done' });
    expect(disputes.creditOf(ACCOMPLICE) + disputes.creditOf(CHALLENGER)).toBe(2n * bonds.challenge + reward);
    expect(disputes.burned + reward).toBe(bonds.claim);
    expect(await portOf(ACCOMPLICE).play({ kind: 'release', game: 0 })).toMatchObject({
      reason: 'NotYourMove',
    });
  });

  it('a true claim stands after its window, once every game is won', async () => {
    const { disputes, bonds, portOf, later } = await played({ step: 1, slot: SLOT.meta }, 'challenger');
    const anyone = portOf(ACCOMPLICE);
    expect(disputes.gameAt(1).events.at(-1)).toEqual({ kind: 'over', claimantWon: true });
    later(3600);
    expect(await anyone.play({ kind: 'settle', claim: 0 })).toMatchObject({ reason: 'GamesLive' });
    // The other challenger was silent after the first nodes were shown.
    await playGame({ port: portOf(CLAIMANT), game: 0, side: 'claimant', evidence: sampleRun() });
    expect(await anyone.play({ kind: 'timeout', game: 0 })).toMatchObject({ reason: 'StillInTime' });
    later(7201);
    await anyone.play({ kind: 'timeout', game: 0 });
    expect(await anyone.play({ kind: 'settle', claim: 0 })).toEqual({ kind: 'done' });
    expect(disputes.creditOf(CLAIMANT)).toBe(bonds.claim + 2n * bonds.challenge);
    expect(disputes.claimAt(0)).toMatchObject({ settled: true, moves: 0, liveGames: 0 });
  });
});

describe('a claimant that takes an extension for all its work in one game, and begins when only that is left of its budget', () => {
  const BUDGET = budgetOf(SETTINGS, sampleRun().terms.steps);
  const GAMES = BUDGET / SETTINGS.extension;

  /** Games lost of so many that begin at once, served one after another in that order. */
  async function lost(order: (game: number) => number): Promise<number> {
    const disputes = new ReferenceDisputes({ settings: SETTINGS, judge: NO_JUDGE });
    let now = 1000;
    const portOf = (me: Address) => new ReferencePort({ disputes, me, clock: () => now });
    const truth = sampleRun();
    const wrong = sampleRun({ fault: { step: 1, slot: SLOT.meta } });
    const { terms } = truth;
    const claimant = portOf(CLAIMANT);
    const bonds = await claimant.bonds(terms);
    const root = claimTree(await truth.stepRoots()).root;
    await claimant.play({ kind: 'claim', terms, root, bond: bonds.claim });
    const challenger = portOf(CHALLENGER);
    const games = Array.from({ length: GAMES }, (_, game) => game);
    for (const _ of games)
      await challenger.play({ kind: 'challenge', claim: 0, terms, bond: bonds.challenge });
    now += BUDGET - SETTINGS.extension;
    for (const game of games.sort((a, b) => order(a) - order(b))) {
      // Reveal, open the step, reveal, open the slot: each takes a quarter.
      for (let moves = 0; moves < 4; moves++) {
        now += SETTINGS.extension / 4;
        await playGame({ port: claimant, game, side: 'claimant', evidence: truth });
        await playGame({ port: challenger, game, side: 'challenger', evidence: wrong });
      }
    }
    return disputes.games.filter(({ events }) => {
      const end = events.at(-1);
      return end?.kind !== 'over' || !end.claimantWon;
    }).length;
  }

  it('loses none, oldest first', async () => {
    expect(await lost((game) => game)).toBe(0);
  });

  it('loses when it leaves the oldest for last', async () => {
    expect(await lost((game) => -game)).toBeGreaterThan(0);
  });
});
