import type { EngineKind } from '../compute/engines/engine.ts';
import type { ModelFiles } from '../models/decoder/load.ts';
import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import type { PeerJudgements, PeerRollouts, RoundContext, Trainer } from '../protocol/trainer.ts';
import type { Skill } from '../training/measure.ts';
import type { CallsApi } from './cancellable-calls.ts';
import type { EngineReport, SampleAnswer, StoredCheckpoint } from './compute-host.ts';

export interface ComputeStart {
  readonly device: DeviceAddress;
  /**
   * The run that is trained for, as in swarm/run.ts: each has checkpoints of its own, since rounds count from the start of a
   * run. Those of other runs stay untouched. One nameless run when left out.
   */
  readonly run?: string;
  /** URL of the folder with config.json, tokenizer.json and model.safetensors, with a slash at the end. */
  readonly modelUrl: string;
  readonly engine: EngineKind | 'auto';
  /** Threads of the wasm engine, the worker's own included. */
  readonly threads: number;
  /** Of the time that it computes at most, 0.1 to 1; all of it unless given. */
  readonly share?: number;
}

export interface ComputeStarted {
  readonly engine: EngineReport<EngineVerdict>;
  readonly root: Hex;
  /** The next round to train; 0 for a device that has never trained. */
  readonly cursor: number;
}

/** What the worker tells unasked. */
export type ComputeEvent =
  /** One sentence for a person. */
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'engine'; readonly engine: EngineReport<EngineVerdict> }
  | {
      readonly kind: 'download';
      readonly file: keyof ModelFiles;
      readonly done: number;
      /** Null where the server does not say. */
      readonly total: number | null;
    };

/** The calls that take a signal on the other side; each carries an id by which `cancel` finds it. */
export interface ComputeCalls {
  readonly prompts: {
    readonly args: { readonly context: RoundContext };
    readonly result: Awaited<ReturnType<Trainer['prompts']>>;
  };
  readonly answer: {
    readonly args: { readonly context: RoundContext };
    readonly result: Awaited<ReturnType<Trainer['answer']>>;
  };
  readonly critique: {
    readonly args: { readonly context: RoundContext; readonly others: readonly PeerRollouts[] };
    readonly result: Awaited<ReturnType<Trainer['critique']>>;
  };
  readonly vote: {
    readonly args: {
      readonly context: RoundContext;
      readonly all: readonly PeerRollouts[];
      readonly critiques: readonly PeerJudgements[];
    };
    readonly result: Awaited<ReturnType<Trainer['vote']>>;
  };
  readonly train: {
    readonly args: {
      readonly context: RoundContext;
      readonly own: PeerRollouts;
      readonly foreign: readonly PeerRollouts[];
    };
    readonly result: Awaited<ReturnType<Trainer['train']>>;
  };
  readonly start: { readonly args: ComputeStart; readonly result: ComputeStarted };
  /** The stored checkpoint of a device without starting an engine; null where there is none. */
  readonly stored: {
    readonly args: Pick<ComputeStart, 'device' | 'run'>;
    readonly result: StoredCheckpoint | null;
  };
  readonly checkpoint: { readonly args: Record<never, never>; readonly result: StoredCheckpoint };
  readonly sampleAnswers: {
    readonly args: { readonly count: number };
    readonly result: readonly SampleAnswer[];
  };
  readonly measure: { readonly args: Record<never, never>; readonly result: Skill };
  /** Takes effect at once, also within a call in progress. */
  readonly setShare: { readonly args: { readonly share: number }; readonly result: null };
  readonly stop: { readonly args: Record<never, never>; readonly result: null };
}

/** The worker's face, through Comlink. */
export type ComputeWorkerApi = CallsApi<ComputeCalls, ComputeEvent>;
