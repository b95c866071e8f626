import type { NeededLeaf, Slot, Terms } from '../protocol/evidence.ts';
import type { Hex } from '../protocol/hex.ts';
import type { CallsApi } from './cancellable-calls.ts';

/** Where a run's first checkpoint comes from. */
export type StartOfRun =
  /** A published model with a fresh optimizer: its folder, with a slash at the end. */
  { readonly kind: 'model'; readonly url: string } | { readonly kind: 'file'; readonly bytes: Uint8Array };

export interface OpenRun {
  /** As audit/run-spec.ts encodes it. */
  readonly spec: Uint8Array;
  readonly start: StartOfRun;
  /** Threads of the wasm engine, the worker's own included. */
  readonly threads: number;
  /** Name under which its checkpoints are kept, so that a reload goes on where it was; in memory when left out. */
  readonly folder?: string;
}

/** What a specification is about. */
export interface PlannedRun {
  readonly terms: Terms;
  readonly program: readonly Slot[];
  readonly slotNames: readonly string[];
}

/** A run that was done, as plain data. */
export interface OpenedRun {
  /** Names the run in later calls. */
  readonly run: number;
  readonly terms: Terms;
  readonly program: readonly Slot[];
  readonly slotNames: readonly string[];
  readonly dataRoots: readonly Hex[];
  /** What a claim commits to: the root over `roots`. */
  readonly root: Hex;
  readonly roots: readonly Hex[];
  readonly engine: string;
}

export interface OpenedTrace {
  readonly trace: number;
  readonly before: Hex;
  readonly after: Hex;
  readonly checkpointLeaves: readonly Hex[];
  readonly roots: readonly Hex[];
}

interface InTrace {
  readonly trace: number;
  readonly slot: number;
}

/** The calls on a worker that does whole runs and shows any part of them. */
export interface RunCalls {
  /** A specification for training from a published model. */
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
  /** What a specification is about, without doing it. */
  readonly plan: { readonly args: { readonly spec: Uint8Array }; readonly result: PlannedRun };
  readonly open: { readonly args: OpenRun; readonly result: OpenedRun };
  readonly trace: {
    readonly args: { readonly run: number; readonly step: number };
    readonly result: OpenedTrace;
  };
  readonly tensor: { readonly args: InTrace; readonly result: Uint8Array };
  readonly accumulators: {
    readonly args: InTrace & { readonly element: number };
    readonly result: readonly number[];
  };
  readonly needed: {
    readonly args: InTrace & { readonly element: number; readonly chunk: number | null };
    readonly result: readonly NeededLeaf[];
  };
  /** The checkpoint's file after so many steps. */
  readonly checkpoint: {
    readonly args: { readonly run: number; readonly step: number };
    readonly result: Uint8Array;
  };
  readonly close: { readonly args: { readonly run: number }; readonly result: null };
}

/** How far a run has come. `terms` is the hash of what it is about. */
export interface RunProgress {
  readonly terms: Hex;
  readonly done: number;
  readonly steps: number;
}

/** The worker's face, through Comlink. */
export type RunWorkerApi = CallsApi<RunCalls, RunProgress>;
