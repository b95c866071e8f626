/**
 * What every DisputesPort must do, as tests. An implementation calls `describeDisputesPortContract` in a test
 * file of its own. The rules stand with their ids in ../port.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { ChainError } from '../../errors.ts';
import { playGame } from '../agents/play-game.ts';
import { budgetOf, type DisputesPort, deadlineOf, LEVELS_A_MOVE, type Played, windowOf } from '../port.ts';
import { claimTree } from '../trees.ts';
import { SLOT, sampleRun } from './sample-run.ts';

export interface DisputesPortFixture {
  /** The port of a new account that has enough coin for every bond. */
  player(): Promise<DisputesPort>;
  /** Another port of an account, as a process that was just started opens it. */
  again(port: DisputesPort): Promise<DisputesPort>;
  /** Moves the time on by at least so many seconds. */
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

const TRUTH = sampleRun();
/** The honest challenger's game about this fault ends before the judge has to compute anything. */
const FAULTY = sampleRun({ fault: { step: 1, slot: SLOT.meta } });
const { terms } = TRUTH;
/** More than any test makes. */
const NO_ID = 1_000_000;

/** Tests that a port keeps the rules [DP-01] to [DP-09]. `create` makes a fresh fixture for each test. */
export function describeDisputesPortContract(
  name: string,
  create: () => DisputesPortFixture | Promise<DisputesPortFixture>,
): void {
  describe(`${name} as a DisputesPort`, () => {
    let fixture: DisputesPortFixture;
    let claimant: DisputesPort;
    let challenger: DisputesPort;
    beforeEach(async () => {
      fixture = await create();
      [claimant, challenger] = [await fixture.player(), await fixture.player()];
    });
    afterEach(() => fixture?.stop());

    async function claim(evidence = FAULTY): Promise<number> {
      const { root } = claimTree(await evidence.stepRoots());
      const { claim: bond } = await claimant.bonds(terms);
      return idOf(await claimant.play({ kind: 'claim', terms, root, bond }));
    }

    async function challenge(id: number, port = challenger): Promise<number> {
      const { challenge: bond } = await port.bonds(terms);
      return idOf(await port.play({ kind: 'challenge', claim: id, terms, bond }));
    }

    /** One turn of each side of a game about the faulty claim. */
    async function turns(game: number): Promise<void> {
      await playGame({ port: claimant, game, side: 'claimant', evidence: FAULTY });
      await playGame({ port: challenger, game, side: 'challenger', evidence: TRUTH });
    }

    it('[DP-01] says the same settings to everybody, and asks bonds in whole move bonds', async () => {
      const settings = await claimant.settings();
      expect(await challenger.settings()).toEqual(settings);
      const { window, stepSeconds, budget, extension } = settings;
      for (const seconds of [window, stepSeconds, budget, extension]) {
        expect(seconds).toBeGreaterThan(0);
      }
      const bonds = await claimant.bonds(terms);
      expect(await challenger.bonds(terms)).toEqual(bonds);
      for (const bond of [bonds.claim, bonds.challenge]) {
        expect(bond).toBeGreaterThan(0n);
        expect(bond % settings.moveBond).toBe(0n);
      }
      const longer = await claimant.bonds({ ...terms, steps: 1000 });
      expect(longer.claim).toBeGreaterThan(bonds.claim);
    });

    it('[DP-02] lists claims and games that were made since a time, oldest first', async () => {
      const since = await claimant.now();
      const claims = [await claim(), await claim(TRUTH)];
      const [first = NO_ID] = claims;
      const games = [await challenge(first), await challenge(first)];
      for (const port of [claimant, challenger]) {
        const made = (await port.claims(since)).filter((each) => claims.includes(each.claim));
        expect(made.map((each) => each.claim)).toEqual(claims);
        expect(made[0]).toMatchObject({
          claimant: expect.stringMatching(new RegExp(claimant.me, 'i')),
          terms: termsHash(terms),
          root: claimTree(await FAULTY.stepRoots()).root,
        });
        const begun = (await port.games(since)).filter((each) => each.claim === first);
        expect(begun.map(({ game }) => game)).toEqual(games);
        expect(begun[0]?.challenger.toLowerCase()).toBe(challenger.me.toLowerCase());
      }
      await fixture.pass(100);
      const later = await claim();
      expect((await claimant.claims(since + 50)).at(-1)?.claim).toBe(later);
    });

    it('[DP-03] shows a game as of one moment, with the events that led there', async () => {
      const id = await claim();
      const game = await challenge(id);
      const begun = await claimant.look(game);
      expect(begun).toMatchObject({
        claim: { claim: id, liveGames: 1, lost: false, settled: false },
        game: { claim: id, game, phase: 'steps', first: 0, size: terms.steps, revealed: false },
        events: [],
      });
      const budget = budgetOf(await claimant.settings(), terms.steps);
      expect(deadlineOf(begun.game.clock)).toBe(begun.game.clock.since + budget);
      const nodes = await revealed(game);
      const shown = await challenger.look(game);
      expect(shown.game.revealed).toBe(true);
      expect(shown.events).toMatchObject([{ kind: 'revealed', nodes }]);
      await playGame({ port: challenger, game, side: 'challenger', evidence: TRUTH });
      const picked = await claimant.look(game);
      expect(picked.game).toMatchObject({ phase: 'step', step: 1, revealed: false });
      expect(picked.events.map(({ kind }) => kind)).toEqual(['revealed', 'picked']);
      expect(picked.events.at(-1)).toMatchObject({ kind: 'picked', phase: 'step', first: 1, size: 1 });
      expect(picked.now).toBeGreaterThanOrEqual(begun.now);
    });

    /** The claimant's first move, and the nodes that it showed. */
    async function revealed(game: number): Promise<readonly string[]> {
      const turn = await playGame({ port: claimant, game, side: 'claimant', evidence: FAULTY });
      if (turn.kind !== 'moved' || turn.move.kind !== 'reveal')
        throw new Error('The first move is a reveal.');
      expect(turn.move.nodes.length).toBeLessThanOrEqual(2 ** LEVELS_A_MOVE);
      return turn.move.nodes;
    }

    it('[DP-04] rejects when a claim or a game that does not exist is read', async () => {
      for (const reading of [claimant.claim(NO_ID), claimant.look(NO_ID)]) {
        await expect(reading).rejects.toBeInstanceOf(ChainError);
        await expect(reading).rejects.toMatchObject({
          code: 'refused',
          message: expect.stringContaining('There is no claim or game of this number'),
        });
      }
      await claim();
      const reading = challenger.claim(NO_ID);
      await expect(reading).rejects.toBeInstanceOf(ChainError);
    });

    it('[DP-10] says of several claims what it says of each', async () => {
      const ids = [await claim(), await claim(TRUTH)];
      await challenge(ids[0] ?? NO_ID);
      expect(await challenger.claimCount()).toBe((ids[1] ?? NO_ID) + 1);
      const states = await challenger.claimStates(ids.toReversed());
      expect(states).toMatchObject([{ liveGames: 0 }, { liveGames: 1 }]);
      for (const state of states) expect(await challenger.claim(state.claim)).toMatchObject(state);
      expect(await challenger.claimStates([])).toEqual([]);
      await expect(challenger.claimStates([...ids, NO_ID])).rejects.toMatchObject({ code: 'refused' });
    });

    it('[DP-05] gives the id of a claim or game that a move made, and none for other moves', async () => {
      const first = await claim();
      const second = await claim();
      expect(second).toBe(first + 1);
      expect((await claimant.claim(second)).claim).toBe(second);
      const game = await challenge(second);
      expect((await claimant.look(game)).game.claim).toBe(second);
      const turn = await playGame({ port: claimant, game, side: 'claimant', evidence: FAULTY });
      expect(turn).toMatchObject({ kind: 'moved', played: { kind: 'done' } });
      if (turn.kind === 'moved') expect(turn.played).not.toHaveProperty('id');
    });

    it('[DP-06] names the error of a refused move, which changes nothing', async () => {
      const id = await claim();
      const game = await challenge(id);
      const { challenge: bond } = await challenger.bonds(terms);
      const before = await claimant.look(game);
      const refused = async (move: Parameters<DisputesPort['play']>[0]): Promise<string> => {
        const played = await challenger.play(move);
        return played.kind === 'refused' ? played.reason : played.kind;
      };
      const others = { ...terms, steps: terms.steps + 1 };
      expect(await refused({ kind: 'challenge', claim: id, terms, bond: bond - 1n })).toBe('WrongBond');
      expect(await refused({ kind: 'challenge', claim: id, terms: others, bond })).toBe('NotAsCommitted');
      expect(await refused({ kind: 'challenge', claim: NO_ID, terms, bond })).toBe('Panic');
      expect(await refused({ kind: 'settle', claim: id })).toBe('WindowOpen');
      expect(await refused({ kind: 'timeout', game })).toBe('StillInTime');
      expect(await refused({ kind: 'release', game })).toBe('NotYourMove');
      expect(await refused({ kind: 'reveal', game, nodes: [] })).toBe('NotYourMove');
      expect(await refused({ kind: 'withdraw' })).toBe('NothingToWithdraw');
      const after = await claimant.look(game);
      expect({ ...after, now: 0 }).toEqual({ ...before, now: 0 });
    });

    it('[DP-07] does not make a move whose signal has fired', async () => {
      const { root } = claimTree(await FAULTY.stepRoots());
      const { claim: bond } = await claimant.bonds(terms);
      const fired = new AbortController();
      fired.abort();
      const since = await claimant.now();
      const played = await claimant.play({ kind: 'claim', terms, root, bond }, { signal: fired.signal });
      expect(played).toEqual({ kind: 'unknown' });
      const made = (await claimant.claims(since)).filter(
        (each) => each.claimant.toLowerCase() === claimant.me.toLowerCase(),
      );
      expect(made).toEqual([]);
    });

    it('[DP-08] credits the winner until it withdraws', async () => {
      const id = await claim();
      const game = await challenge(id);
      for (let turn = 0; turn < 10; turn++) await turns(game);
      // The claimant has nothing to show for its metadata and runs out of time.
      const budget = budgetOf(await claimant.settings(), terms.steps);
      await fixture.pass(2 * budget + 1);
      await turns(game);
      const { claim: state, game: ended, events } = await challenger.look(game);
      expect(state).toMatchObject({ lost: true, settled: false, liveGames: 0 });
      expect(ended.phase).toBe('over');
      expect(events.at(-1)).toMatchObject({ kind: 'over', claimantWon: false });
      // Its own bond, and half the claim's.
      const credit = await challenger.credit();
      expect(credit).toBe(ended.bond + state.bond / 2n);
      expect(await claimant.credit()).toBe(0n);
      expect(await challenger.play({ kind: 'withdraw' })).toMatchObject({ kind: 'done' });
      expect(await challenger.credit()).toBe(0n);
      expect(await challenger.play({ kind: 'withdraw' })).toEqual({
        kind: 'refused',
        reason: 'NothingToWithdraw',
      });
    });

    it('[DP-09] goes on with another port of the same account', async () => {
      const id = await claim(TRUTH);
      const other = await fixture.again(claimant);
      expect(other.me).toBe(claimant.me);
      expect(await other.claim(id)).toEqual(await claimant.claim(id));
      await fixture.pass(windowOf(await other.settings(), terms.steps) + 1);
      expect(await other.play({ kind: 'settle', claim: id })).toMatchObject({ kind: 'done' });
      expect(await claimant.claim(id)).toMatchObject({ lost: false, settled: true });
      expect(await other.credit()).toBe((await claimant.bonds(terms)).claim);
      expect(await claimant.credit()).toBe(await other.credit());
    });
  });
}

function idOf(played: Played): number {
  if (played.kind === 'done' && played.id !== undefined) return played.id;
  throw new Error(`The move came to ${JSON.stringify(played, (_, value) => String(value))}.`);
}
