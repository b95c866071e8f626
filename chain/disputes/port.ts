/**
 * The interface by which a player sees and moves a dispute game. `onchain.ts` implements it over a node's RPC, the model of the
 * game in memory; the players know only this, so the same player plays on both. Names and meanings are those of
 * contracts/src/disputes/IDisputes.sol. Ids are the contract's array indices; amounts are wei; times are Unix seconds.
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

/** What the deployment fixes. */
export interface Settings {
  readonly window: number;
  readonly budget: number;
  readonly extension: number;
  readonly moveBond: bigint;
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

/** `Clock` in contracts/src/disputes/ChessClock.sol. The time of the side to move runs since `since`. */
export interface ClockState {
  readonly claimantLeft: number;
  readonly challengerLeft: number;
  readonly since: number;
  readonly claimantToMove: boolean;
}

/** `IDisputes.Game`. */
export interface GameState extends GameMade {
  readonly bond: bigint;
  readonly clock: ClockState;
  readonly phase: Phase;
  readonly step: number;
  readonly slot: number;
  /** The subtree under dispute: its leaves, and its hash. */
  readonly first: number;
  readonly size: number;
  readonly node: Hex;
  /** Whether the frontier of that subtree has been revealed. */
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

/** What happened in a game, by the contract's events. */
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
  /** 256 bits: a fold of a wrong number of chunks is judged as that number against the largest. */
  | { readonly kind: 'judged'; readonly got: bigint; readonly claimed: bigint }
  | { readonly kind: 'over'; readonly claimantWon: boolean };

/** An event and, on a chain, where it is to be found. */
export type Happened = GameEvent & { readonly block?: number; readonly transaction?: Hex };

/** A game, its claim and its past, all as of one moment. */
export interface GameView {
  /** Timestamp of the newest block then. */
  readonly now: number;
  readonly claim: ClaimState;
  readonly game: GameState;
  /** In order, from the first move. */
  readonly events: readonly Happened[];
}

/** A tensor's root, shown to be in the trace. */
export interface InputOpening {
  readonly root: Hex;
  readonly proof: readonly Hex[];
}

/** A leaf, shown to be in its input. */
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

export type MoveKind = Move['kind'];

/** What came of a move that was sent. */
export type Played =
  /** It counts. `id`: of the claim or the game that it made. */
  | { readonly kind: 'done'; readonly id?: number; readonly gas?: bigint; readonly transaction?: Hex }
  /** The contract took it not; nothing changed but the time. `reason` is the name of its error, e.g. "StillInTime". */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It is not known to count yet: look again before the next move. */
  | { readonly kind: 'unknown' };

export interface PortOptions {
  readonly signal?: AbortSignal;
}

/** Reads are of the newest state; implementations reject with a ChainError when there is no answer, and whoever asked comes back later. */
export interface DisputesReader {
  settings(options?: PortOptions): Promise<Settings>;
  /** Timestamp of the newest block. */
  now(options?: PortOptions): Promise<number>;
  /** Claims, oldest first: at least all made at `since` or later. */
  claims(since: number, options?: PortOptions): Promise<readonly ClaimMade[]>;
  claim(id: number, options?: PortOptions): Promise<ClaimState>;
  /** Games, oldest first: at least all begun at `since` or later. */
  games(since: number, options?: PortOptions): Promise<readonly GameMade[]>;
  look(game: number, options?: PortOptions): Promise<GameView>;
  /** Due with a claim and with a challenge now. */
  bonds(terms: Terms, options?: PortOptions): Promise<Bonds>;
}

export interface Bonds {
  readonly claim: bigint;
  readonly challenge: bigint;
}

/** The game as one party sees and moves it. Nothing here is remembered for the players: all of it is on the chain. */
export interface DisputesPort extends DisputesReader {
  /** Whose moves these are. */
  readonly me: Address;
  /** What `me` can withdraw. */
  credit(options?: PortOptions): Promise<bigint>;
  /** Makes a move as `me`. Refusal is an answer, not an error. */
  play(move: Move, options?: PortOptions): Promise<Played>;
}
