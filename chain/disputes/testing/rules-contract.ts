/**
 * The rules of the dispute game (docs/verde.md) as tests of whatever a DisputesPort leads to: the contract on
 * a chain, or the reference game. A test file calls `describeDisputeRules`.
 */
import { type Hex, zeroHash } from 'viem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { budgetOf, type DisputesPort, MAX_REPEAT_SECONDS, type Settings, windowOf } from '../port.ts';
import { claimTree } from '../trees.ts';
import type { DisputesPortFixture } from './port-contract.ts';
import { SLOT, sampleRun } from './sample-run.ts';
import { StagedDispute, sent, TERMS, TRUTH } from './staged-dispute.ts';

const OTHER_TERMS = { ...TERMS, steps: TERMS.steps + 1 };
/** One bit of a sum of two numbers, in a step that is not the first. */
const FAULTY_SUM = sampleRun({ fault: { step: 1, slot: SLOT.sum, element: 3, mask: 0x400000 } });
/** One bit of a fold. */
const FAULTY_FOLD = sampleRun({ fault: { step: 2, slot: SLOT.norm, mask: 0x800000 } });
/** Events of a challenger's moves in a game. */
const PICKS: ReadonlySet<string> = new Set(['picked', 'element-picked', 'chunk-picked']);

/** Tests the rules that can be seen through a port. `create` makes a fresh fixture for each test. */
export function describeDisputeRules(
  name: string,
  create: () => DisputesPortFixture | Promise<DisputesPortFixture>,
): void {
  describe(`${name} keeps the rules of the dispute game`, () => {
    let fixture: DisputesPortFixture;
    let dispute: StagedDispute;
    let claimant: DisputesPort;
    let challenger: DisputesPort;
    let bystander: DisputesPort;
    let settings: Settings;
    beforeEach(async () => {
      fixture = await create();
      dispute = await StagedDispute.open(fixture);
      ({ claimant, challenger, bystander, settings } = dispute);
    });
    afterEach(() => fixture?.stop());

    it('[V-02] takes moves only under the terms of the claim', async () => {
      const { id, game, move, by } = await dispute.upTo('openStep', { claims: FAULTY_SUM });
      expect(await sent(by, { ...move, terms: OTHER_TERMS })).toBe('NotAsCommitted');
      const another = await dispute.challengeMove(id);
      expect(await sent(bystander, { ...another, terms: OTHER_TERMS })).toBe('NotAsCommitted');
      expect((await bystander.look(game)).game.phase).toBe('step');
    });

    it('[V-03] takes no claim without steps or with less than two slots', async () => {
      const bad = [
        { ...TERMS, steps: 0 },
        { ...TERMS, slots: 1 },
      ];
      for (const each of bad) {
        const move = { kind: 'claim', terms: each, root: zeroHash, bond: 1n } as const;
        expect(await sent(claimant, move)).toBe('BadTerms');
      }
    });

    it('[V-03] takes no claim about more steps than can be repeated', async () => {
      const most = Math.floor(MAX_REPEAT_SECONDS / settings.stepSeconds);
      const claimOf = async (steps: number) => {
        const terms = { ...TERMS, steps };
        const { claim: bond } = await claimant.bonds(terms);
        return sent(claimant, { kind: 'claim', terms, root: zeroHash, bond });
      };
      expect(await claimOf(most)).toBe('done');
      expect(await claimOf(most + 1)).toBe('BadTerms');
      expect(await claimOf(2 ** 32 - 1)).toBe('BadTerms');
    });

    it('[V-35] gives a longer run a longer window and longer budgets', async () => {
      const made = async (steps: number) => {
        const terms = { ...TERMS, steps };
        const bonds = await claimant.bonds(terms);
        const claim = { kind: 'claim', terms, root: zeroHash, bond: bonds.claim } as const;
        const begun = await bystander.now();
        const played = await claimant.play(claim);
        if (played.kind !== 'done' || played.id === undefined) throw new Error(played.kind);
        const { windowEnd } = await bystander.claim(played.id);
        const challenge = { kind: 'challenge', claim: played.id, terms, bond: bonds.challenge } as const;
        const game = await challenger.play(challenge);
        if (game.kind !== 'done' || game.id === undefined) throw new Error(game.kind);
        const { clock } = (await bystander.look(game.id)).game;
        return { claim: played.id, windowEnd, begun, clock };
      };
      const long = await made(200);
      expect(long.windowEnd).toBeGreaterThanOrEqual(long.begun + windowOf(settings, 200));
      expect(long.clock).toMatchObject({
        claimantLeft: budgetOf(settings, 200),
        challengerLeft: budgetOf(settings, 200),
      });
      expect(windowOf(settings, 200) - windowOf(settings, 1)).toBe(199 * settings.stepSeconds);
      await dispute.pass(windowOf(settings, 1) + 1);
      expect(await sent(bystander, { kind: 'settle', claim: long.claim })).toBe('WindowOpen');
    });

    it('[V-10] takes only the nodes below the disputed one, all of them', async () => {
      const { move, by } = await dispute.upTo('reveal', { claims: FAULTY_SUM });
      expect(await sent(by, { ...move, nodes: move.nodes.toReversed() })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, nodes: move.nodes.slice(1) })).toBe('WrongFrontier');
      expect(await sent(by, { ...move, nodes: [...move.nodes, zeroHash] })).toBe('WrongFrontier');
      expect(move.nodes.length).toBeLessThanOrEqual(16);
      expect(await sent(by, move)).toBe('done');
    });

    it('[V-11] disputes the revealed node that is picked', async () => {
      const { game, move, by } = await dispute.upTo('pick', { claims: FAULTY_SUM });
      expect(await sent(by, { ...move, nodes: move.nodes.toReversed() })).toBe('NotAsCommitted');
      expect(await sent(by, { ...move, index: move.nodes.length })).toBe('WrongFrontier');
      expect(await sent(by, move)).toBe('done');
      const { game: state } = await bystander.look(game);
      expect(state).toMatchObject({ node: move.nodes[move.index], first: 1, size: 1, revealed: false });
    });

    it('[V-12] binds a step to the claim, to the step before and to its trace', async () => {
      const { game, move, by } = await dispute.upTo('openStep', { claims: FAULTY_SUM });
      expect(await sent(by, { ...move, after: move.before })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, before: TERMS.initial })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, beforeProof: [] })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, trace: zeroHash })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, lastProof: move.lastProof.slice(1) })).toBe('DoesNotHash');
      expect(await sent(by, move)).toBe('done');
      expect((await bystander.look(game)).game).toMatchObject({ before: move.before, trace: move.trace });
    });

    it('[V-12] binds the first step to the first checkpoint', async () => {
      const claims = sampleRun({ fault: { step: 0, slot: SLOT.sum, mask: 0x400000 } });
      const { move, by } = await dispute.upTo('openStep', { claims });
      expect(move.before).toBe(TERMS.initial);
      expect(await sent(by, { ...move, before: move.after })).toBe('DoesNotHash');
      expect(await sent(by, move)).toBe('done');
    });

    it('[V-13] binds a slot to the program and its tensor to the trace', async () => {
      const { move, by } = await dispute.upTo('openSlot', { claims: FAULTY_SUM });
      const [another] = TRUTH.program;
      if (another === undefined) throw new Error('The program has slots.');
      expect(await sent(by, { ...move, slot: another })).toBe('NotAsCommitted');
      expect(await sent(by, { ...move, slotProof: move.slotProof.slice(1) })).toBe('NotAsCommitted');
      expect(await sent(by, { ...move, tensor: zeroHash })).toBe('DoesNotHash');
      expect(await sent(by, move)).toBe('done');
    });

    it.each([
      ['a state slot', SLOT.w, 'DoesNotHash'],
      ['a data slot', SLOT.x, 'DoesNotHash'],
      ['a fixed slot', SLOT.t, 'done'],
      ['the composed root', SLOT.last, 'done'],
    ] as const)('[V-14] decides the game when %s is opened', async (_, slot, opening) => {
      const fault = { step: 1, slot, mask: 0x400000 } as const;
      const wrong = await dispute.upTo('openSlot', { claims: sampleRun({ fault }) });
      // What was given to the step cannot be shown to be anything else.
      expect(await sent(wrong.by, wrong.move)).toBe(opening);
      if (opening === 'done') {
        const { game, claim: state } = await bystander.look(wrong.game);
        expect({ phase: game.phase, lost: state.lost }).toEqual({ phase: 'over', lost: true });
      }
      const right = await dispute.upTo('openSlot', { claims: TRUTH, computes: sampleRun({ fault }) });
      expect(await sent(right.by, right.move)).toBe('done');
      const { game, events, claim: state } = await bystander.look(right.game);
      expect({ phase: game.phase, lost: state.lost }).toEqual({ phase: 'over', lost: false });
      expect(events.at(-1)).toMatchObject({ kind: 'over', claimantWon: true });
    });

    it('[V-15] takes the bytes of the disputed leaf only', async () => {
      const { move, by } = await dispute.upTo('openLeaf', { claims: FAULTY_SUM });
      for (const data of [shortened(move.data), changed(move.data)]) {
        expect(await sent(by, { ...move, data })).toBe('DoesNotHash');
      }
      expect(await sent(by, move)).toBe('done');
    });

    it('[V-16] takes a word of those bytes', async () => {
      const { game, move, by } = await dispute.upTo('pickElement', { claims: FAULTY_SUM });
      const words = (move.data.length - 2) / 8;
      expect(await sent(by, { ...move, offset: words })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, data: shortened(move.data) })).toBe('DoesNotHash');
      expect(await sent(by, move)).toBe('done');
      expect((await bystander.look(game)).game).toMatchObject({ phase: 'judge', element: 3 });
    });

    it('[V-17] takes accumulators that come to the element', async () => {
      const { move, by } = await dispute.upTo('postFold', { claims: FAULTY_FOLD });
      const honest = await (await TRUTH.trace(2)).accumulators(SLOT.norm, 0);
      expect(await sent(by, { ...move, accumulators: honest })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, accumulators: [...move.accumulators, 0] })).toBe('DoesNotHash');
      expect(await sent(by, move)).toBe('done');
    });

    it('[V-18] takes one of the posted accumulators', async () => {
      const { game, move, by } = await dispute.upTo('pickChunk', { claims: FAULTY_FOLD });
      expect(await sent(by, { ...move, accumulators: move.accumulators.slice(1) })).toBe('NotAsCommitted');
      expect(await sent(by, { ...move, chunk: move.accumulators.length })).toBe('NotAsCommitted');
      expect(await sent(by, { ...move, chunk: 2 })).toBe('done');
      expect((await bystander.look(game)).game).toMatchObject({
        phase: 'judge',
        chunk: 2,
        accumulatorBefore: move.accumulators[1],
        accumulatorAfter: move.accumulators[2],
      });
    });

    it('[V-19] lets only the side to move make its moves', async () => {
      const { game, move: reveal } = await dispute.upTo('reveal', { claims: FAULTY_SUM });
      for (const other of [challenger, bystander]) expect(await sent(other, reveal)).toBe('NotYourMove');
      await sent(claimant, reveal);
      expect(await sent(claimant, reveal)).toBe('NotYourMove');
      const pick = await dispute.moveOf(game, 'challenger', TRUTH);
      for (const other of [claimant, bystander]) expect(await sent(other, pick)).toBe('NotYourMove');
      expect(await sent(challenger, pick)).toBe('done');
    });

    it('[V-19] lets anyone call the judge', async () => {
      const { game, move } = await dispute.upTo('judge', { claims: FAULTY_SUM });
      expect(await sent(bystander, move)).toBe('done');
      expect((await bystander.look(game)).game.phase).toBe('over');
    });

    it('[V-20] changes nothing after the end', async () => {
      const { id, game, move } = await dispute.upTo('judge', { claims: FAULTY_SUM });
      await sent(bystander, move);
      expect(await sent(bystander, move)).toBe('NotYourMove');
      expect(await sent(bystander, { kind: 'timeout', game })).toBe('NotYourMove');
      expect(await sent(challenger, { kind: 'release', game })).toBe('NotYourMove');
      expect(await sent(challenger, await dispute.challengeMove(id))).toBe('AlreadyDecided');
      await dispute.pass(windowOf(settings, TERMS.steps) + 1);
      expect(await sent(claimant, { kind: 'settle', claim: id })).toBe('AlreadyDecided');
      const stands = await dispute.claim(TRUTH);
      await dispute.pass(windowOf(settings, TERMS.steps) + 1);
      expect(await sent(bystander, { kind: 'settle', claim: stands })).toBe('done');
      expect(await sent(bystander, { kind: 'settle', claim: stands })).toBe('AlreadyDecided');
      expect(await sent(challenger, await dispute.challengeMove(stands))).toBe('AlreadyDecided');
    });

    it('[V-30] runs the clock of the side to move', async () => {
      const { game, move } = await dispute.upTo('reveal', { claims: FAULTY_SUM });
      const begun = (await bystander.look(game)).game.clock;
      expect(begun).toMatchObject({
        claimantLeft: budgetOf(settings, TERMS.steps),
        challengerLeft: budgetOf(settings, TERMS.steps),
        claimantToMove: true,
      });
      await dispute.pass(1000);
      expect(await sent(bystander, { kind: 'timeout', game })).toBe('StillInTime');
      expect(await sent(claimant, move)).toBe('done');
      const { clock } = (await bystander.look(game)).game;
      expect(clock.claimantToMove).toBe(false);
      expect(clock.challengerLeft).toBe(budgetOf(settings, TERMS.steps));
      expect(clock.claimantLeft).toBe(budgetOf(settings, TERMS.steps) - (clock.since - begun.since));
      expect(clock.since - begun.since).toBeGreaterThanOrEqual(1000);
    });

    it('[V-30] refuses a move after its time', async () => {
      const { move } = await dispute.upTo('reveal', { claims: FAULTY_SUM });
      await dispute.pass(budgetOf(settings, TERMS.steps) + 1);
      expect(await sent(claimant, move)).toBe('OutOfTime');
    });

    it('[V-31] leaves the other side an extension', async () => {
      const { game, move } = await dispute.upTo('reveal', { claims: FAULTY_SUM });
      await dispute.pass(budgetOf(settings, TERMS.steps) - settings.extension / 2);
      await sent(claimant, move);
      await sent(challenger, await dispute.moveOf(game, 'challenger', TRUTH));
      const { clock } = (await bystander.look(game)).game;
      expect(clock.claimantToMove).toBe(true);
      expect(clock.claimantLeft).toBe(settings.extension);
    });

    it('[V-32] gives the claimant an extension for each live game, up to a second budget', async () => {
      const id = await dispute.claim(TRUTH);
      const most = budgetOf(settings, TERMS.steps) / settings.extension;
      for (let live = 0; live <= most + 1; live++) {
        const { clock } = (await bystander.look(await dispute.challenge(id))).game;
        const extra = Math.min(budgetOf(settings, TERMS.steps), live * settings.extension);
        expect(clock).toMatchObject({
          claimantLeft: budgetOf(settings, TERMS.steps) + extra,
          challengerLeft: budgetOf(settings, TERMS.steps),
        });
      }
    });

    it('[V-33] ends a game whose side to move is out of time', async () => {
      const id = await dispute.claim(TRUTH);
      const [first, second] = [await dispute.challenge(id), await dispute.challenge(id)];
      await sent(claimant, await dispute.moveOf(second, 'claimant', TRUTH));
      // The challenger of the second game is silent.
      await dispute.pass(budgetOf(settings, TERMS.steps) + 1);
      expect(await sent(bystander, { kind: 'timeout', game: second })).toBe('done');
      expect((await bystander.look(second)).events.at(-1)).toMatchObject({ kind: 'over', claimantWon: true });
      // So is the claimant in the first.
      expect(await sent(bystander, { kind: 'timeout', game: first })).toBe('done');
      const { events, claim: state } = await bystander.look(first);
      expect(events.at(-1)).toMatchObject({ kind: 'over', claimantWon: false });
      expect(state.lost).toBe(true);
    });

    it('[V-40] takes challenges from anyone until the window is over', async () => {
      const id = await dispute.claim(TRUTH);
      const games = [
        await dispute.challenge(id),
        await dispute.challenge(id, bystander),
        await dispute.challenge(id, claimant),
      ];
      expect(new Set(games).size).toBe(3);
      expect((await bystander.claim(id)).liveGames).toBe(3);
      await dispute.pass(windowOf(settings, TERMS.steps) + 1);
      expect(await sent(challenger, await dispute.challengeMove(id))).toBe('WindowClosed');
    });

    it('[V-41] loses the claim by one lost game, and decides nothing by a won one', async () => {
      const id = await dispute.claim(FAULTY_SUM);
      // An accomplice challenges first and loses on purpose.
      const lost = await dispute.challenge(id, bystander);
      await sent(claimant, await dispute.moveOf(lost, 'claimant', FAULTY_SUM));
      const game = await dispute.challenge(id);
      await dispute.pass(budgetOf(settings, TERMS.steps) - settings.extension);
      await sent(claimant, await dispute.moveOf(game, 'claimant', FAULTY_SUM));
      await dispute.pass(settings.extension + 1);
      expect(await sent(claimant, { kind: 'timeout', game: lost })).toBe('done');
      expect((await bystander.look(lost)).events.at(-1)).toMatchObject({ kind: 'over', claimantWon: true });
      expect(await bystander.claim(id)).toMatchObject({ lost: false, settled: false, liveGames: 1 });
      const { claim: state, game: ended } = await dispute.playOut(game, FAULTY_SUM, TRUTH);
      expect(ended.phase).toBe('over');
      expect(state).toMatchObject({ lost: true, settled: false, liveGames: 0 });
    });

    it('[V-42] settles a claim after its window, once every game is won', async () => {
      const id = await dispute.claim(TRUTH);
      const game = await dispute.challenge(id);
      expect(await sent(claimant, { kind: 'settle', claim: id })).toBe('WindowOpen');
      await dispute.pass(windowOf(settings, TERMS.steps) + 1);
      expect(await sent(claimant, { kind: 'settle', claim: id })).toBe('GamesLive');
      await dispute.playOut(game, TRUTH, FAULTY_SUM);
      expect(await sent(bystander, { kind: 'settle', claim: id })).toBe('done');
      expect(await bystander.claim(id)).toMatchObject({ lost: false, settled: true, liveGames: 0 });
    });

    it.each([
      ['a sum of two', FAULTY_SUM],
      ['one chunk of a fold', FAULTY_FOLD],
    ] as const)('[V-50] judges %s by its bits', async (_, faulty) => {
      const wrong = await dispute.upTo('judge', { claims: faulty });
      expect(await sent(challenger, wrong.move)).toBe('done');
      const lost = await bystander.look(wrong.game);
      expect(lost.claim.lost).toBe(true);
      const judged = lost.events.find(({ kind }) => kind === 'judged');
      if (judged?.kind !== 'judged') throw new Error('The judge was called.');
      expect(judged.got).not.toBe(judged.claimed);
      const right = await dispute.upTo('judge', { claims: TRUTH, computes: faulty });
      expect(await sent(claimant, right.move)).toBe('done');
      const won = await bystander.look(right.game);
      expect(won.claim.lost).toBe(false);
      expect(won.events.slice(-2)).toMatchObject([{ kind: 'judged' }, { kind: 'over', claimantWon: true }]);
    });

    it('[V-51] judges operands of the trace only, and all that it reads', async () => {
      const { move, by } = await dispute.upTo('judge', { claims: FAULTY_SUM });
      const [first, ...others] = move.openings;
      if (first === undefined) throw new Error('A sum has operands.');
      const changed =
        `${first.data.slice(0, -1)}${first.data.endsWith('0') ? '1' : '0'}` as typeof first.data;
      const openings = [{ ...first, data: changed }, ...others];
      expect(await sent(by, { ...move, openings })).toBe('DoesNotHash');
      const inputs = move.inputs.map((each) => ({ ...each, root: zeroHash }));
      expect(await sent(by, { ...move, inputs })).toBe('DoesNotHash');
      expect(await sent(by, { ...move, openings: others })).toBe('NotOpened');
      expect(await sent(by, move)).toBe('done');
    });

    it('[V-52] judges against a fold with chunks left out', async () => {
      const fold = await dispute.upTo('postFold', { claims: FAULTY_FOLD });
      const [element = 0] = fold.move.accumulators;
      expect(await sent(fold.by, { ...fold.move, accumulators: [element] })).toBe('done');
      expect(await sent(challenger, await dispute.moveOf(fold.game, 'challenger', TRUTH))).toBe('done');
      expect(await sent(challenger, await dispute.moveOf(fold.game, 'challenger', TRUTH))).toBe('done');
      const { events, claim: state } = await bystander.look(fold.game);
      expect(state.lost).toBe(true);
      expect(events.at(-2)).toMatchObject({ kind: 'judged', got: 17n, claimed: 2n ** 256n - 1n });
    });

    it('[V-60] asks a move bond for each move and twenty more, and four times that of a claim', async () => {
      const bonds = await bystander.bonds(TERMS);
      // 17 moves for 3 steps and 8 slots.
      expect(bonds.challenge).toBe(37n * settings.moveBond);
      expect(bonds.claim).toBe(4n * bonds.challenge);
      const root = claimTree(await TRUTH.stepRoots()).root;
      const id = await dispute.claim(TRUTH);
      const move = await dispute.challengeMove(id);
      for (const by of [-1n, 1n]) {
        expect(await sent(claimant, { kind: 'claim', terms: TERMS, root, bond: bonds.claim + by })).toBe(
          'WrongBond',
        );
        expect(await sent(challenger, { ...move, bond: bonds.challenge + by })).toBe('WrongBond');
      }
    });

    it('[V-61] gives a losing challenger’s bond to the claimant', async () => {
      const { move } = await dispute.upTo('judge', { claims: TRUTH, computes: FAULTY_SUM });
      expect(await claimant.credit()).toBe(0n);
      expect(await sent(claimant, move)).toBe('done');
      expect(await claimant.credit()).toBe((await bystander.bonds(TERMS)).challenge);
      expect(await challenger.credit()).toBe(0n);
    });

    it('[V-62] [V-63] shares half a lost claim’s bond by the moves of all live challengers', async () => {
      const id = await dispute.claim(FAULTY_SUM);
      const overtaken = await dispute.challenge(id, bystander);
      const game = await dispute.challenge(id);
      expect(await sent(bystander, { kind: 'release', game: overtaken })).toBe('NotYourMove');
      const { events } = await dispute.playOut(game, FAULTY_SUM, TRUTH);
      const bonds = await bystander.bonds(TERMS);
      const reward = bonds.claim / 2n;
      // Of the winner: the challenge and its picks. Of the other: the challenge.
      const moves = 1n + BigInt(events.filter(({ kind }) => PICKS.has(kind)).length);
      expect(await challenger.credit()).toBe(bonds.challenge + (reward * moves) / (moves + 1n));
      expect(await sent(bystander, { kind: 'release', game: overtaken })).toBe('done');
      expect(await sent(bystander, { kind: 'release', game: overtaken })).toBe('NotYourMove');
      expect((await bystander.credit()) + (await challenger.credit())).toBe(2n * bonds.challenge + reward);
      expect(await claimant.credit()).toBe(0n);
    });

    it('[V-64] pays what is owed once', async () => {
      const id = await dispute.claim(TRUTH);
      await dispute.pass(windowOf(settings, TERMS.steps) + 1);
      await sent(bystander, { kind: 'settle', claim: id });
      expect(await claimant.credit()).toBe((await bystander.bonds(TERMS)).claim);
      expect(await sent(bystander, { kind: 'withdraw' })).toBe('NothingToWithdraw');
      expect(await sent(claimant, { kind: 'withdraw' })).toBe('done');
      expect(await claimant.credit()).toBe(0n);
      expect(await sent(claimant, { kind: 'withdraw' })).toBe('NothingToWithdraw');
    });
  });
}

/** The bytes without their last word. */
function shortened(data: Hex): Hex {
  return `0x${data.slice(2, -8)}`;
}

/** The bytes with another last digit. */
function changed(data: Hex): Hex {
  return `0x${data.slice(2, -1)}${data.endsWith('0') ? '1' : '0'}`;
}
