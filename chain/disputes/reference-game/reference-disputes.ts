/**
 * The dispute game in memory, written from docs/verde.md and not from the contract: the same moves, errors, clocks and bonds. Whatever
 * is played on the one can be played on the other, and has to come to the same (`npm run games`).
 */
import type { Address } from 'viem';
import type { Terms } from '../../../protocol/evidence.ts';
import type { Move, Settings } from '../port.ts';
import { hashOfTerms } from './abi-words.ts';
import { challengeBond, claimBond } from './bonds.ts';
import { isOver, startedClock } from './clocks.ts';
import { descend, type GameMoveRules, moveOf } from './game-moves.ts';
import type { ModelJudge } from './judge.ts';
import { must, type Reason, Refusal } from './revert.ts';
import { type Claim, type Game, NOTHING } from './state.ts';

export interface DisputesModelOptions {
  readonly settings: Settings;
  readonly judge: ModelJudge;
}

export interface Turn {
  readonly sender: Address;
  /** Unix seconds. */
  readonly now: number;
  readonly move: Move;
}

export type Outcome =
  | { readonly kind: 'done'; readonly id?: number }
  | { readonly kind: 'refused'; readonly reason: Reason };

export class DisputesModel {
  readonly settings: Settings;
  readonly claims: Claim[] = [];
  readonly games: Game[] = [];
  readonly #credits = new Map<string, bigint>();
  readonly #judge: ModelJudge;
  #burned = 0n;
  #balance = 0n;

  constructor({ settings, judge }: DisputesModelOptions) {
    this.settings = settings;
    this.#judge = judge;
  }

  get burned(): bigint {
    return this.#burned;
  }

  /** All that the contract holds. */
  get balance(): bigint {
    return this.#balance;
  }

  creditOf(who: Address): bigint {
    return this.#credits.get(who.toLowerCase()) ?? 0n;
  }

  /** Makes a move, or says by which error it is refused; then nothing changed. */
  play(turn: Turn): Outcome {
    try {
      const id = this.#play(turn);
      return id === undefined ? { kind: 'done' } : { kind: 'done', id };
    } catch (error) {
      if (error instanceof Refusal) return { kind: 'refused', reason: error.reason };
      throw error;
    }
  }

  #play({ sender, now, move }: Turn): number | undefined {
    switch (move.kind) {
      case 'claim':
        return this.#claim(move.terms, { root: move.root, bond: move.bond, sender, now });
      case 'challenge':
        return this.#challenge(move.claim, { terms: move.terms, bond: move.bond, sender, now });
      case 'settle':
        return this.#settle(move.claim, now);
      case 'withdraw':
        return this.#withdraw(sender);
      case 'release':
        return this.#release(move.game);
      case 'timeout': {
        const game = this.gameAt(move.game);
        must(game.phase !== 'over' && !this.claimAt(game.claim).lost, 'NotYourMove');
        must(isOver(game.clock, now), 'StillInTime');
        return this.#end(move.game, game, !game.clock.claimantToMove);
      }
      default: {
        const game = this.gameAt(move.game);
        const claim = this.claimAt(game.claim);
        const rules: GameMoveRules = { sender, now, claim, settings: this.settings, judge: this.#judge };
        const { game: next, counts, claimantWon } = moveOf(game, move, rules);
        this.games[move.game] = next;
        if (counts) this.claims[next.claim] = { ...claim, moves: claim.moves + 1 };
        if (claimantWon !== undefined) this.#end(move.game, next, claimantWon);
        return undefined;
      }
    }
  }

  /** Throws Refusal for a claim that was never made. */
  claimAt(id: number): Claim {
    const found = this.claims[id];
    if (found === undefined) throw new Refusal('Panic');
    return found;
  }

  /** Throws Refusal for a game that never began. */
  gameAt(id: number): Game {
    const found = this.games[id];
    if (found === undefined) throw new Refusal('Panic');
    return found;
  }

  #claim(
    terms: Terms,
    made: Pick<Turn, 'sender' | 'now'> & { readonly root: Claim['root']; readonly bond: bigint },
  ): number {
    must(terms.steps > 0 && terms.slots > 1, 'BadTerms');
    must(made.bond === claimBond(terms, this.settings), 'WrongBond');
    this.#balance += made.bond;
    return (
      this.claims.push({
        claimant: made.sender,
        windowEnd: made.now + this.settings.window,
        ...{ liveGames: 0, lost: false, settled: false, bond: made.bond, moves: 0, pot: 0n },
        terms: hashOfTerms(terms),
        root: made.root,
        madeAt: made.now,
      }) - 1
    );
  }

  #challenge(
    id: number,
    made: Pick<Turn, 'sender' | 'now'> & { readonly terms: Terms; readonly bond: bigint },
  ): number {
    const claim = this.claimAt(id);
    must(hashOfTerms(made.terms) === claim.terms, 'NotAsCommitted');
    must(!claim.lost && !claim.settled, 'AlreadyDecided');
    must(made.now <= claim.windowEnd, 'WindowClosed');
    must(made.bond === challengeBond(made.terms, this.settings), 'WrongBond');
    this.#balance += made.bond;
    this.claims[id] = { ...claim, liveGames: claim.liveGames + 1, moves: claim.moves + 1 };
    const begun: Game = {
      ...{ claim: id, challenger: made.sender, bond: made.bond, moves: 1, madeAt: made.now, events: [] },
      clock: startedClock(this.settings, claim.liveGames, made.now),
      ...{ phase: 'none', step: 0, slot: 0, first: 0, size: 0, length: 0, element: 0, value: 0 },
      ...{ node: NOTHING, revealed: NOTHING, before: NOTHING, trace: NOTHING, slotHash: NOTHING },
      ...{ accumulators: NOTHING, chunk: 0, chunks: 0, accumulatorBefore: 0, accumulatorAfter: 0 },
    };
    return this.games.push(descend(begun, 'steps', made.terms.steps, claim.root)) - 1;
  }

  #settle(id: number, now: number): undefined {
    const claim = this.claimAt(id);
    must(!claim.lost && !claim.settled, 'AlreadyDecided');
    must(now > claim.windowEnd, 'WindowOpen');
    must(claim.liveGames === 0, 'GamesLive');
    this.claims[id] = { ...claim, settled: true };
    this.#pay(claim.claimant, claim.bond);
  }

  #withdraw(who: Address): undefined {
    const amount = this.creditOf(who);
    must(amount > 0n, 'NothingToWithdraw');
    this.#credits.set(who.toLowerCase(), 0n);
    this.#balance -= amount;
  }

  #release(id: number): undefined {
    const game = this.gameAt(id);
    const claim = this.claimAt(game.claim);
    must(game.phase !== 'over' && claim.lost, 'NotYourMove');
    this.#over(id, game, false);
    this.#share(game);
  }

  #end(id: number, game: Game, claimantWon: boolean): undefined {
    this.#over(id, game, claimantWon);
    const claim = this.claimAt(game.claim);
    if (claimantWon) {
      this.claims[game.claim] = { ...claim, moves: claim.moves - game.moves };
      this.#pay(claim.claimant, game.bond);
      return;
    }
    const pot = claim.bond / 2n;
    this.#burned += claim.bond - pot;
    this.claims[game.claim] = { ...claim, lost: true, pot };
    this.#share(game);
  }

  #over(id: number, game: Game, claimantWon: boolean): void {
    const claim = this.claimAt(game.claim);
    this.games[id] = { ...game, phase: 'over', events: [...game.events, { kind: 'over', claimantWon }] };
    this.claims[game.claim] = { ...claim, liveGames: claim.liveGames - 1 };
  }

  /** The bond goes back, with the share of this game's moves in what is left of the reward. */
  #share({ claim: id, moves, bond, challenger }: Game): void {
    const claim = this.claimAt(id);
    const share = (claim.pot * BigInt(moves)) / BigInt(claim.moves);
    this.claims[id] = { ...claim, pot: claim.pot - share, moves: claim.moves - moves };
    this.#pay(challenger, bond + share);
  }

  #pay(who: Address, amount: bigint): void {
    this.#credits.set(who.toLowerCase(), this.creditOf(who) + amount);
  }
}
