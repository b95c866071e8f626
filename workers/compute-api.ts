/** What a page asks of the worker that trains. */

import type { EngineKind } from '../compute/engines/engine.ts';
import type { ModelFiles } from '../models/decoder/load.ts';
import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import type { AnswerGroup, RoundContext, Trainer } from '../protocol/trainer.ts';
import type { RetentionPolicy } from '../training/checkpoint-retention.ts';
import type { EvalMetrics, SampleAnswer } from '../training/evaluation.ts';
import type { AnswerExplanation } from '../training/explanation.ts';
import type { DeviceClass } from '../training/swarm-settings.ts';
import type { AskedBoth } from '../training/trainer.ts';
import type { CallsApi } from './cancellable-calls.ts';
import type { StoredCheckpoint } from './compute-host.ts';
import type { EngineReport } from './engine-report.ts';
import type { CallsOf } from './remote-methods.ts';

export interface CheckpointOwner {
  readonly device: DeviceAddress;
  /**
   * The network to train for, as in swarm/network-id.ts. Each network has its own checkpoints, since rounds
   * count from the start of a network. Checkpoints of other networks stay untouched. Defaults to one nameless
   * network.
   */
  readonly networkId?: string;
}

/** The model that a device starts from. */
export type StartModel =
  /** URL of the folder with config.json, tokenizer.json and model.safetensors, with a slash at the end. */
  | { readonly kind: 'published'; readonly url: string }
  /** A model on this device: its folder, as in ModelLibrary, and the names of its files. */
  | { readonly kind: 'stored'; readonly id: string; readonly files: readonly string[] };

export interface ComputeStart extends CheckpointOwner {
  readonly model: StartModel;
  /** Canonical bytes of the swarm's specification. Defaults to the nano model's own tasks and settings. */
  readonly spec?: Uint8Array;
  /** The file of each data set of the specification, by the data set's id. */
  readonly dataSets?: ReadonlyMap<string, Uint8Array>;
  /** How much of the swarm's settings the device does. Defaults to what the engine's speed allows. */
  readonly deviceClass?: DeviceClass;
  readonly engine: EngineKind | 'auto';
  /** Threads of the wasm engine, the worker's own included. */
  readonly threads: number;
  /** Maximum duty cycle, 0.1 to 1. Defaults to 1. */
  readonly share?: number;
  /** Which of its checkpoints the device keeps for others. Defaults to the last one only, for itself. */
  readonly keep?: RetentionPolicy;
}

export type MeasureSpeed = Pick<ComputeStart, 'engine' | 'threads'>;

export interface ComputeStarted {
  readonly engine: EngineReport<EngineVerdict>;
  readonly root: Hex;
  /** The next round to train: 0 for a device that has never trained. */
  readonly cursor: number;
}

/** What the worker reports by itself. */
export type ComputeEvent =
  /** One sentence for a person. */
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'engine'; readonly engine: EngineReport<EngineVerdict> }
  | {
      readonly kind: 'download';
      readonly file: keyof ModelFiles;
      readonly done: number;
      /** Null when the server does not tell the size. */
      readonly total: number | null;
    };

/** The methods of the worker: a trainer that can be started and stopped. */
export interface ComputeMethods extends Trainer {
  start(options: ComputeStart, signal?: AbortSignal): Promise<ComputeStarted>;
  /** Chooses an engine as `start` does, and measures how fast it trains, in GFLOP/s. Needs no `start`. */
  measure(asked: MeasureSpeed, signal?: AbortSignal): Promise<number>;
  /** The stored checkpoint of a device, null when there is none. Needs no `start`. */
  stored(owner: CheckpointOwner): Promise<StoredCheckpoint | null>;
  /** The last stored checkpoint. */
  checkpoint(): Promise<StoredCheckpoint>;
  /** The current weights' most likely answers to the first `count` held-out questions. */
  sampleAnswers(count: number, signal?: AbortSignal): Promise<readonly SampleAnswer[]>;
  /** Why each of an author's answers in a round has its score. Does not wait for other calls. */
  explain(context: RoundContext, groups: readonly AnswerGroup[]): Promise<readonly AnswerExplanation[]>;
  /** The answers of the base model and of the current weights to a person's own question. */
  ask(question: string, signal?: AbortSignal): Promise<AskedBoth>;
  /** Evaluates the current weights on held-out questions, as after every round. */
  evaluate(signal?: AbortSignal): Promise<EvalMetrics>;
  /** Sets the maximum duty cycle, 0.1 to 1. It applies at once, even to a call in progress. */
  setShare(share: number): Promise<void>;
  /** Cancels the calls in progress and frees the engine. Stored checkpoints stay. `start` may follow. */
  stop(): Promise<void>;
}

/** The interface that the worker exposes through Comlink. */
export type ComputeWorkerApi = CallsApi<CallsOf<ComputeMethods>, ComputeEvent>;
