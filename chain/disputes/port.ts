/**
 * How a player sees and moves a dispute game. `onchain/port.ts` implements it over a node's RPC, and
 * `reference-game/reference-port.ts` in memory. Agents know this interface only, so the same agent plays on
 * both; the rules that both keep stand in `testing/port-contract.ts`. Names and meanings are those of
 * contracts/src/disputes/IDisputes.sol. Ids are the contract's array indices, amounts are wei, times are Unix
 * seconds.
 */
import type { Address, Hex } from 'viem';
import type { Slot, Terms } from '../../protocol/evidence.ts';

/** In the order of `IDisputes.Phase`. */
export const PHASES = [
  'none',
  'steps',
  'step',
  'slots',
  'slot',
  'leaves',
  'leaf',
  'element',
  'fold',
  'chunk',
  'judge',
  'over',
] as const;

export type Phase = (typeof PHASES)[number];

/** Levels of a tree that one reveal opens: at most 16 nodes. */
export const LEVELS_A_MOVE = 4;

/** Words in a tensor's leaf. */
export const WORDS_A_LEAF = 1024;

/** The most leaves of an output that a game can lead into. */
export const MAX_LEAVES = 4096;

/** Most seconds that repeating all steps of a claimed run may take, by `stepSeconds` of the settings. */
export const MAX_REPEAT_SECONDS = 7 * 86_400;

/** What the deployment fixes. Times are seconds, `moveBond` is wei. */
export interface Settings {
  /** Time to notice a claim. The time to repeat its run comes on top. */
  readonly window: number;
  /** Time in which anybody who checks a claim has to be able to repeat one step. */
  readonly stepSeconds: number;
  /** Time of a side for its moves. The time to repeat the run comes on top. */
  readonly budget: number;
  readonly extension: number;
  readonly moveBond: bigint;
}

/** How many seconds a claim about so many steps can be challenged. */
export function windowOf({ window, stepSeconds }: Settings, steps: number): number {
  return window + steps * stepSeconds;
}

/** How many seconds each side has for its moves in a game about so many steps. */
export function budgetOf({ budget, stepSeconds }: Settings, steps: number): number {
  return budget + steps * stepSeconds;
}

/** More than the moves that any game can have: 45 for trees of 2^32 leaves. */
const MOST_MOVES = 64;

/**
 * The most seconds that a claim can be undecided. The claimant's clock may begin with twice the budget, and
 * the time to repeat the longest run is in the window and in each budget.
 */
export function longestDispute({ window, budget, extension }: Settings): number {
  return window + 3 * budget + 4 * MAX_REPEAT_SECONDS + MOST_MOVES * extension;
}

/** Whether a run of so many steps can be claimed: nobody can claim one that takes too long to repeat. */
export function canBeRepeated({ stepSeconds }: Settings, steps: number): boolean {
  return steps > 0 && steps * stepSeconds <= MAX_REPEAT_SECONDS;
}

/** A claim as it was made. */
export interface ClaimMade {
  readonly claim: number;
  readonly claimant: Address;
  /** keccak256 of the ABI-encoded terms. */
  readonly terms: Hex;
  readonly root: Hex;
  readonly windowEnd: number;
}

/** `IDisputes.Claim`. */
export interface ClaimState extends ClaimMade {
  readonly liveGames: number;
  readonly lost: boolean;
  readonly settled: boolean;
  readonly bond: bigint;
}

export interface GameMade {
  readonly claim: number;
  readonly game: number;
  readonly challenger: Address;
}

/** `Clock` in contracts/src/disputes/ChessClock.sol. The time of the side to move has run since `since`. */
export interface ClockState {
  readonly claimantLeft: number;
  readonly challengerLeft: number;
  readonly since: number;
  readonly claimantToMove: boolean;
}

/** When the side to move runs out of time: it loses after this second. */
export function deadlineOf({ since, claimantToMove, claimantLeft, challengerLeft }: ClockState): number {
  return since + (claimantToMove ? claimantLeft : challengerLeft);
}

/** `IDisputes.Game`. */
export interface GameState extends GameMade {
  readonly bond: bigint;
  readonly clock: ClockState;
  readonly phase: Phase;
  readonly step: number;
  readonly slot: number;
  /** The disputed subtree: its first leaf, its number of leaves, and its hash. */
  readonly first: number;
  readonly size: number;
  readonly node: Hex;
  /** Whether the claimant has revealed the frontier of that subtree. */
  readonly revealed: boolean;
  readonly before: Hex;
  readonly trace: Hex;
  /** Elements of the disputed tensor. */
  readonly length: number;
  readonly element: number;
  /** Bits of the disputed element. */
  readonly value: number;
  readonly chunk: number;
  /** Accumulators posted; 0 when none were. */
  readonly chunks: number;
  readonly accumulatorBefore: number;
  readonly accumulatorAfter: number;
}

/** What happened in a game, as the contract's events say it. */
export type GameEvent =
  | { readonly kind: 'revealed'; readonly nodes: readonly Hex[] }
  /** `phase` is the phase that the pick led to. */
  | { readonly kind: 'picked'; readonly phase: Phase; readonly first: number; readonly size: number }
  | { readonly kind: 'step-opened'; readonly before: Hex; readonly after: Hex; readonly trace: Hex }
  | { readonly kind: 'slot-opened'; readonly slot: number; readonly tensor: Hex }
  | { readonly kind: 'leaf-opened'; readonly data: Hex }
  | { readonly kind: 'element-picked'; readonly element: number; readonly value: number }
  | { readonly kind: 'fold-posted'; readonly accumulators: readonly number[] }
  | { readonly kind: 'chunk-picked'; readonly chunk: number }
  /**
   * Numbers of 256 bits: a fold with a wrong number of chunks is judged as that number against the largest
   * one.
   */
  | { readonly kind: 'judged'; readonly got: bigint; readonly claimed: bigint }
  | { readonly kind: 'over'; readonly claimantWon: boolean };

/** An event and, on a chain, the block and the transaction that it is in. */
export type LoggedGameEvent = GameEvent & { readonly block?: number; readonly transaction?: Hex };

/** A game, its claim and its events, all as of one block. */
export interface GameView {
  /** Timestamp of that block. */
  readonly now: number;
  readonly claim: ClaimState;
  readonly game: GameState;
  /** In order, from the first move. */
  readonly events: readonly LoggedGameEvent[];
}

/** A tensor's root with its path in the trace. */
export interface InputOpening {
  readonly root: Hex;
  readonly proof: readonly Hex[];
}

/** A leaf with its path in its input. */
export interface LeafOpening {
  readonly input: number;
  readonly leaf: number;
  readonly data: Hex;
  readonly proof: readonly Hex[];
}

/** A call that changes the state. Names are the contract's. */
export type Move =
  | { readonly kind: 'claim'; readonly terms: Terms; readonly root: Hex; readonly bond: bigint }
  | { readonly kind: 'challenge'; readonly claim: number; readonly terms: Terms; readonly bond: bigint }
  | { readonly kind: 'settle'; readonly claim: number }
  | { readonly kind: 'withdraw' }
  | GameMove;

/** A move of one game. */
export type GameMove =
  | { readonly kind: 'reveal'; readonly game: number; readonly nodes: readonly Hex[] }
  | { readonly kind: 'pick'; readonly game: number; readonly index: number; readonly nodes: readonly Hex[] }
  | {
      readonly kind: 'openStep';
      readonly game: number;
      readonly terms: Terms;
      readonly after: Hex;
      readonly before: Hex;
      readonly beforeProof: readonly Hex[];
      readonly trace: Hex;
      readonly lastProof: readonly Hex[];
    }
  | {
      readonly kind: 'openSlot';
      readonly game: number;
      readonly terms: Terms;
      readonly slot: Slot;
      readonly slotProof: readonly Hex[];
      readonly tensor: Hex;
      readonly inputs: readonly InputOpening[];
    }
  | { readonly kind: 'openLeaf'; readonly game: number; readonly data: Hex }
  | {
      readonly kind: 'pickElement';
      readonly game: number;
      readonly slot: Slot;
      readonly offset: number;
      readonly data: Hex;
    }
  | {
      readonly kind: 'postFold';
      readonly game: number;
      readonly slot: Slot;
      readonly accumulators: readonly number[];
    }
  | {
      readonly kind: 'pickChunk';
      readonly game: number;
      readonly chunk: number;
      readonly accumulators: readonly number[];
    }
  | {
      readonly kind: 'judge';
      readonly game: number;
      readonly terms: Terms;
      readonly slot: Slot;
      readonly inputs: readonly InputOpening[];
      readonly openings: readonly LeafOpening[];
    }
  | { readonly kind: 'timeout'; readonly game: number }
  | { readonly kind: 'release'; readonly game: number };

/** What became of a move. */
export type Played =
  /** It counts. `id` is that of the claim or the game that it made. */
  | { readonly kind: 'done'; readonly id?: number; readonly gas?: bigint; readonly transaction?: Hex }
  /**
   * The contract refused it and nothing changed. `reason` is the name of the contract's error, such as
   * "StillInTime".
   */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It is not known to count. Look again before the next move. */
  | { readonly kind: 'unknown' };

/** What every port says of an id that does not exist. */
export const NO_SUCH_ID = 'There is no claim or game of this number. Check it, or wait for its block.';

export interface PortOptions {
  readonly signal?: AbortSignal;
}

/**
 * Reads the newest state. Every read rejects with ChainError when there is no answer; the caller asks again
 * later.
 *
 * - [DP-01] The settings are the same for everybody, and every bond is a multiple of the move bond.
 * - [DP-02] `claims(since)` and `games(since)` have at least all that were made at `since` or later, oldest
 *   first.
 * - [DP-03] A view is of one block: its events lead to the state that it shows.
 * - [DP-04] Reading a claim or a game that does not exist rejects with ChainError `refused`.
 * - [DP-10] `claimStates` says of several claims what `claim` says of each, and `claimCount` how many there
 *   are.
 */
export interface DisputesReader {
  settings(options?: PortOptions): Promise<Settings>;
  /** Timestamp of the newest block. */
  now(options?: PortOptions): Promise<number>;
  /** Claims, oldest first: at least all that were made at `since` or later. */
  claims(since: number, options?: PortOptions): Promise<readonly ClaimMade[]>;
  claim(id: number, options?: PortOptions): Promise<ClaimState>;
  /** How many claims were made. The newest has the number before this one. */
  claimCount(options?: PortOptions): Promise<number>;
  /** Several claims as of one block, in the order of the numbers. */
  claimStates(ids: readonly number[], options?: PortOptions): Promise<readonly ClaimState[]>;
  /** Games, oldest first: at least all that began at `since` or later. */
  games(since: number, options?: PortOptions): Promise<readonly GameMade[]>;
  look(game: number, options?: PortOptions): Promise<GameView>;
  /** The bonds that are due with a claim and with a challenge under these terms. */
  bonds(terms: Terms, options?: PortOptions): Promise<Bonds>;
}

export interface Bonds {
  readonly claim: bigint;
  readonly challenge: bigint;
}

/**
 * The game as one account sees and moves it.
 *
 * - [DP-05] A move that counts resolves with `done`, with the id of the claim or game that it made.
 * - [DP-06] A move that the contract refuses resolves with `refused` and the name of the error. It changes
 *   nothing.
 * - [DP-07] A move whose signal has fired is not made and resolves with `unknown`.
 * - [DP-08] What an account is owed is its credit until it withdraws, and then no more.
 * - [DP-09] The port keeps nothing for its player: another port of the same account goes on where the first
 *   stopped.
 */
export interface DisputesPort extends DisputesReader {
  /** The account whose moves these are. */
  readonly me: Address;
  /** What `me` can withdraw. */
  credit(options?: PortOptions): Promise<bigint>;
  /** Makes a move as `me`. A refused move is an answer, not an error. */
  play(move: Move, options?: PortOptions): Promise<Played>;
}
