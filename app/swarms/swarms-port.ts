/** What the screens may ask about swarms. `SwarmsController` is the real one. */
import type { StoreApi } from 'zustand/vanilla';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { BaseModel, DataSetEntry, SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { QuestionReport } from '../../training/tasks/question-report.ts';
import type { BlocksCost } from '../../workers/blocks-cost.ts';
import type { CostComparison } from '../../workers/cost-record.ts';
import type { PickedBlob } from '../../workers/model-api.ts';
import type { SwarmCost } from '../../workers/round-cost.ts';
import type { OwnModel } from '../volunteer/own-model.ts';
import type { CatalogueTask } from './swarm-draft.ts';

/** Held-out accuracy of a round, over the members whose figures this device knows. */
export interface HeldOutPoint {
  readonly round: number;
  /** Mean, 0 to 1. */
  readonly accuracy: number;
  readonly members: number;
}

/** A swarm as the chain has it, and as far as its specification can be used here. */
export interface ShownSwarm {
  /** Its number on the chain. */
  readonly id: number;
  /** Null where the specification cannot be read; `problem` then says why. */
  readonly spec: SwarmSpec | null;
  /** Why this device cannot take part, in a sentence; null where it can. */
  readonly problem: string | null;
  readonly openedBy: Hex;
  /** Unix seconds, by the chain. */
  readonly openedAt: number;
  /** The present round by the chain's clock. */
  readonly round: number;
  /** Devices that recorded work in the last rounds on the chain. */
  readonly members: number;
  /** Oldest first; empty where no member's figures are known. */
  readonly heldOut: readonly HeldOutPoint[];
}

export interface SwarmsView {
  /** Newest first; null until the chain has answered. */
  readonly swarms: readonly ShownSwarm[] | null;
  readonly hasOlder: boolean;
  /** Why the chain does not answer now. */
  readonly trouble: string | null;
  /** Training speed of this device in GFLOP/s; null until measured. */
  readonly speed: number | null;
}

export const EMPTY_SWARMS: SwarmsView = { swarms: null, hasOlder: false, trouble: null, speed: null };

/** A swarm that is ready to be opened, and the price of doing so. */
export interface PreparedSwarm {
  readonly spec: SwarmSpec;
  readonly cid: string;
  /** Bytes of the specification, which go into the transaction. */
  readonly bytes: number;
  readonly price: {
    readonly gas: bigint;
    /** Wei, at the chain's present price of gas. */
    readonly wei: bigint;
  };
}

/** A base model of files. */
export type FilesBase = Extract<BaseModel, { kind: 'files' }>;

/** Where a model's files come from, for a specification. */
export type BaseFrom =
  | { readonly kind: 'address'; readonly url: string }
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly PickedBlob[] };

export interface SwarmsPort {
  readonly store: StoreApi<SwarmsView>;
  /** Looks at the chain now rather than at the next turn. */
  refresh(): void;
  /** Shows one swarm by its number, whether or not it is among the newest. */
  follow(id: number | null): void;
  /** Shows more of the older swarms. */
  showOlder(): void;
  /** The models that come with the page, to start from. */
  builtins(): Promise<readonly Extract<BaseModel, { kind: 'builtin' }>[]>;
  /** The tasks that this program knows. */
  catalogue(): Promise<readonly CatalogueTask[]>;
  /** Reads a file of questions as a data set. */
  readQuestions(entry: DataSetEntry, bytes: Uint8Array): Promise<QuestionReport>;
  /**
   * Names a model by its files: fetches or reads them, and computes their hashes and root. Throws what
   * loading a model throws.
   */
  describeBase(
    from: BaseFrom,
    options: {
      readonly onProgress: (done: number, total: number | null) => void;
      readonly signal: AbortSignal;
    },
  ): Promise<BaseModel>;
  /**
   * Keeps a swarm's base on this device, from a folder that has it; contributing then starts from it. Throws
   * ComputeError for other files and where there is no room.
   */
  keepBase(
    base: FilesBase,
    files: readonly PickedBlob[],
    options: {
      readonly onProgress: (done: number, total: number | null) => void;
      readonly signal: AbortSignal;
    },
  ): Promise<void>;
  /** The models that this device can bring to a swarm that lets members do so. */
  bringable(): Promise<readonly OwnModel[]>;
  /** What this device brings to a swarm; null for the swarm's own base. */
  ownModel(swarm: number): OwnModel | null;
  /** Decides what this device brings to a swarm from the next start on. */
  bring(swarm: number, model: OwnModel | null): void;
  /** Why this device cannot take part in a swarm, in a sentence; null where it can. */
  whyNotHere(spec: SwarmSpec): string | null;
  /** What a round would take on this device. Fetches a small config.json where the model is not here. */
  cost(spec: SwarmSpec): Promise<SwarmCost>;
  /**
   * What the blocks of a swarm that trains in blocks would take on this device. Throws BlockPlanError, and as
   * `cost`.
   */
  blocksCost(spec: SwarmSpec): Promise<BlocksCost>;
  /**
   * What rounds of an open swarm took here, beside what `cost` predicts; null where this browser computed
   * none.
   */
  took(id: number, predicted: SwarmCost): CostComparison | null;
  /** Measures this device's speed, once; `cost` then knows seconds. Throws ComputeError. */
  measure(): Promise<void>;
  /**
   * Checks a specification, and asks the chain for the price of opening it. Throws SwarmSpecError,
   * ChainError.
   */
  prepare(spec: SwarmSpec): Promise<PreparedSwarm>;
  /**
   * Opens the swarm with one transaction, paid from `queue`, and keeps its data sets, and a model from a
   * folder, on this device, which serves them to members. Returns the swarm's number. Throws ChainError,
   * WalletError.
   */
  open(
    prepared: PreparedSwarm,
    files: ReadonlyMap<Hex, Uint8Array>,
    queue: TransactionQueue,
  ): Promise<number>;
}
