import type { NeededLeaf, Slot, Terms } from '../protocol/evidence.ts';
import type { Hex } from '../protocol/hex.ts';
import type { CallsApi } from './cancellable-calls.ts';

/** The source of a run's first checkpoint. */
export type RunStart =
  /** A published model with a fresh optimizer: its folder, with a slash at the end. */
  { readonly kind: 'model'; readonly url: string } | { readonly kind: 'file'; readonly bytes: Uint8Array };

export interface OpenRun {
  /** The specification as audit/run-spec.ts encodes it. */
  readonly spec: Uint8Array;
  readonly start: RunStart;
  /** Threads of the wasm engine, the worker's own included. */
  readonly threads: number;
  /**
   * Name under which the checkpoints are stored, so that a reload continues there. Defaults to memory only.
   */
  readonly folder?: string;
}

/** The terms and the program of a specification. */
export interface PlannedRun {
  readonly terms: Terms;
  readonly program: readonly Slot[];
  readonly slotNames: readonly string[];
}

/** A completed run, as plain data. */
export interface OpenedRun {
  /** Identifies the run in later calls. */
  readonly run: number;
  readonly terms: Terms;
  readonly program: readonly Slot[];
  readonly slotNames: readonly string[];
  readonly dataRoots: readonly Hex[];
  /** The root over `roots`, to which a claim commits. */
  readonly root: Hex;
  readonly roots: readonly Hex[];
  readonly engine: string;
}

export interface OpenedTrace {
  /** Identifies the trace in later calls. */
  readonly trace: number;
  readonly before: Hex;
  readonly after: Hex;
  readonly checkpointLeaves: readonly Hex[];
  readonly roots: readonly Hex[];
}

interface SlotInTrace {
  readonly trace: number;
  readonly slot: number;
}

/** The calls to a worker that computes whole runs and gives evidence for any part of them. */
export interface RunCalls {
  /** Makes a specification for training from a published model. */
  readonly specify: {
    readonly args: {
      readonly model: string;
      readonly steps: number;
      readonly seed: Hex;
      readonly learningRate: number;
      readonly rows: number;
      readonly length: number;
    };
    readonly result: { readonly spec: Uint8Array; readonly terms: Terms };
  };
  /** The terms and the program of a specification. Does not compute the run. `budgetMs` is the most time. */
  readonly plan: {
    readonly args: { readonly spec: Uint8Array; readonly budgetMs: number };
    readonly result: PlannedRun;
  };
  readonly open: { readonly args: OpenRun; readonly result: OpenedRun };
  readonly trace: {
    readonly args: { readonly run: number; readonly step: number };
    readonly result: OpenedTrace;
  };
  readonly tensor: { readonly args: SlotInTrace; readonly result: Uint8Array };
  readonly accumulators: {
    readonly args: SlotInTrace & { readonly element: number };
    readonly result: readonly number[];
  };
  readonly needed: {
    readonly args: SlotInTrace & { readonly element: number; readonly chunk: number | null };
    readonly result: readonly NeededLeaf[];
  };
  /** The checkpoint file after `step` steps. */
  readonly checkpoint: {
    readonly args: { readonly run: number; readonly step: number };
    readonly result: Uint8Array;
  };
  readonly close: { readonly args: { readonly run: number }; readonly result: null };
}

/** The progress of a run. `terms` is the hash of its terms. */
export interface RunProgress {
  readonly terms: Hex;
  /** Steps computed so far. */
  readonly done: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/** The interface that the worker exposes through Comlink. */
export type RunWorkerApi = CallsApi<RunCalls, RunProgress>;
