/**
 * The dispute game in memory. It was written from docs/verde.md and not from the contract, with the same
 * moves, errors, clocks and bonds, so that the two can be compared: `npm run games` makes the same moves on
 * both.
 */
import { type Address, zeroHash } from 'viem';
import type { Terms } from '../../../protocol/evidence.ts';
import { canBeRepeated, type Move, type Settings, windowOf } from '../port.ts';
import { hashOfTerms } from './abi-words.ts';
import { challengeBond, claimBond } from './bonds.ts';
import { clockAtChallenge, isOver } from './clocks.ts';
import { descend, type MoveContext, moveOf } from './game-moves.ts';
import type { ReferenceJudge } from './judge.ts';
import { MoveRevertError, type RevertReason, requireThat } from './revert.ts';
import type { Claim, Game } from './state.ts';

export interface ReferenceDisputesOptions {
  readonly settings: Settings;
  readonly judge: ReferenceJudge;
}

export interface Turn {
  readonly sender: Address;
  /** Unix seconds. */
  readonly now: number;
  readonly move: Move;
}

export type Outcome =
  | { readonly kind: 'done'; readonly id?: number }
  | { readonly kind: 'refused'; readonly reason: RevertReason };

export class ReferenceDisputes {
  readonly settings: Settings;
  readonly claims: Claim[] = [];
  readonly games: Game[] = [];
  readonly #credits = new Map<string, bigint>();
  readonly #judge: ReferenceJudge;
  #burned = 0n;
  #balance = 0n;

  constructor({ settings, judge }: ReferenceDisputesOptions) {
    this.settings = settings;
    this.#judge = judge;
  }

  /** Wei out of reach for ever. */
  get burned(): bigint {
    return this.#burned;
  }

  /** All wei that the contract holds. */
  get balance(): bigint {
    return this.#balance;
  }

  /** What an account can withdraw, in wei. */
  creditOf(who: Address): bigint {
    return this.#credits.get(who.toLowerCase()) ?? 0n;
  }

  /** Makes a move. A refused move changes nothing. */
  play(turn: Turn): Outcome {
    try {
      const id = this.#play(turn);
      return id === undefined ? { kind: 'done' } : { kind: 'done', id };
    } catch (error) {
      if (error instanceof MoveRevertError) return { kind: 'refused', reason: error.reason };
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
        requireThat(game.phase !== 'over' && !this.claimAt(game.claim).lost, 'NotYourMove');
        requireThat(isOver(game.clock, now), 'StillInTime');
        return this.#end(move.game, game, !game.clock.claimantToMove);
      }
      default: {
        const game = this.gameAt(move.game);
        const claim = this.claimAt(game.claim);
        const context: MoveContext = { sender, now, claim, settings: this.settings, judge: this.#judge };
        const { game: next, counts, claimantWon } = moveOf(game, move, context);
        this.games[move.game] = next;
        if (counts) this.claims[next.claim] = { ...claim, moves: claim.moves + 1 };
        if (claimantWon !== undefined) this.#end(move.game, next, claimantWon);
        return undefined;
      }
    }
  }

  /** Throws MoveRevertError for a claim that was never made. */
  claimAt(id: number): Claim {
    const found = this.claims[id];
    if (found === undefined) throw new MoveRevertError('Panic');
    return found;
  }

  /** Throws MoveRevertError for a game that never began. */
  gameAt(id: number): Game {
    const found = this.games[id];
    if (found === undefined) throw new MoveRevertError('Panic');
    return found;
  }

  #claim(
    terms: Terms,
    made: Pick<Turn, 'sender' | 'now'> & { readonly root: Claim['root']; readonly bond: bigint },
  ): number {
    requireThat(canBeRepeated(this.settings, terms.steps) && terms.slots > 1, 'BadTerms');
    requireThat(made.bond === claimBond(terms, this.settings), 'WrongBond');
    this.#balance += made.bond;
    return (
      this.claims.push({
        claimant: made.sender,
        windowEnd: made.now + windowOf(this.settings, terms.steps),
        liveGames: 0,
        lost: false,
        settled: false,
        bond: made.bond,
        moves: 0,
        pot: 0n,
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
    requireThat(hashOfTerms(made.terms) === claim.terms, 'NotAsCommitted');
    requireThat(!claim.lost && !claim.settled, 'AlreadyDecided');
    requireThat(made.now <= claim.windowEnd, 'WindowClosed');
    requireThat(made.bond === challengeBond(made.terms, this.settings), 'WrongBond');
    this.#balance += made.bond;
    this.claims[id] = { ...claim, liveGames: claim.liveGames + 1, moves: claim.moves + 1 };
    const begun: Game = {
      claim: id,
      challenger: made.sender,
      bond: made.bond,
      clock: clockAtChallenge(this.settings, {
        steps: made.terms.steps,
        liveGames: claim.liveGames,
        now: made.now,
      }),
      phase: 'none',
      step: 0,
      slot: 0,
      first: 0,
      size: 0,
      moves: 1,
      node: zeroHash,
      revealed: zeroHash,
      before: zeroHash,
      trace: zeroHash,
      slotHash: zeroHash,
      length: 0,
      element: 0,
      value: 0,
      accumulators: zeroHash,
      chunk: 0,
      chunks: 0,
      accumulatorBefore: 0,
      accumulatorAfter: 0,
      madeAt: made.now,
      events: [],
    };
    return this.games.push(descend(begun, 'steps', made.terms.steps, claim.root)) - 1;
  }

  #settle(id: number, now: number): undefined {
    const claim = this.claimAt(id);
    requireThat(!claim.lost && !claim.settled, 'AlreadyDecided');
    requireThat(now > claim.windowEnd, 'WindowOpen');
    requireThat(claim.liveGames === 0, 'GamesLive');
    this.claims[id] = { ...claim, settled: true };
    this.#pay(claim.claimant, claim.bond);
  }

  #withdraw(who: Address): undefined {
    const amount = this.creditOf(who);
    requireThat(amount > 0n, 'NothingToWithdraw');
    this.#credits.set(who.toLowerCase(), 0n);
    this.#balance -= amount;
  }

  #release(id: number): undefined {
    const game = this.gameAt(id);
    const claim = this.claimAt(game.claim);
    requireThat(game.phase !== 'over' && claim.lost, 'NotYourMove');
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

  /**
   * Pays a challenger its bond, and of what is left of the reward the share that its moves in this game are.
   */
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
