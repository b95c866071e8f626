/** What a page asks of the worker that holds a published model. */

import type { EngineKind } from '../compute/engines/engine.ts';
import type { SafetensorsDType } from '../models/checkpoint/safetensors.ts';
import type { ModelFamily } from '../models/decoder/config.ts';
import type { LoraOptions } from '../models/decoder/lora/adapters.ts';
import type { GenerationDefaults } from '../models/loading/generation-config.ts';
import type { StoredModel } from '../models/loading/library.ts';
import type { Hex } from '../protocol/hex.ts';
import type { TrainingText } from '../training/text-windows.ts';
import type { CallsApi } from './cancellable-calls.ts';
import type { MemoryFit } from './memory-fit.ts';

export interface PickedBlob {
  readonly name: string;
  /** With the folder that was picked, "model/config.json"; only the name where files were. */
  readonly path: string;
  readonly blob: Blob;
}

export type ModelFrom =
  | { readonly kind: 'files'; readonly files: readonly PickedBlob[] }
  | { readonly kind: 'stored'; readonly id: string };

/** What a model is, from its small files and the headers of its weights. */
export interface ModelSummary {
  readonly family: ModelFamily;
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly dtypes: readonly SafetensorsDType[];
  /** Number of safetensors files. */
  readonly files: number;
  /** Of its parameters as stored. */
  readonly bytes: number;
  readonly chat: boolean;
  readonly generation: GenerationDefaults;
}

/** What adapters are trained with. */
export interface TrainingSizes {
  readonly rank: number;
  readonly alpha: number;
  /** Windows of a step. */
  readonly rows: number;
  /** Tokens of a window. */
  readonly length: number;
  readonly recompute: boolean;
}

export interface ModelUse {
  readonly engine: EngineKind | 'auto';
  /** Prompt and answer together, or a training window: the most that one sequence may have. */
  readonly positions: number;
  /** Null: only generates. */
  readonly training: TrainingSizes | null;
}

export interface LoadModel {
  readonly engine: EngineKind | 'auto';
  /** Threads of the wasm engine, the worker's own included. */
  readonly threads: number;
  readonly positions: number;
}

export interface LoadedModel {
  readonly engine: EngineKind;
  readonly description: string;
  /** Why this engine, in a sentence. */
  readonly reason: string;
  readonly positions: number;
  readonly seconds: number;
}

export interface AskModel {
  /** Comes back with each event, so that late ones are told apart. */
  readonly run: number;
  readonly prompt: string;
  /** Through the model's chat template. */
  readonly chat: boolean;
  readonly greedy: boolean;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
  readonly maxNewTokens: number;
  /** Without the adapter, where there is one. */
  readonly bare: boolean;
}

export interface Answer {
  readonly text: string;
  readonly promptTokens: number;
  readonly tokens: readonly number[];
  /** The model ended it; otherwise it was cut at the number of tokens. */
  readonly ended: boolean;
  /** With the prompt. */
  readonly seconds: number;
  /** From the first token to the last. */
  readonly drawingSeconds: number;
  /** What devices compare (`generationHash`). */
  readonly hash: Hex;
}

export interface TrainModel extends TrainingSizes {
  readonly run: number;
  readonly source: TrainingText;
  /** Begins with new adapters; otherwise those that are there are trained on, with their own rank and alpha. */
  readonly fresh: boolean;
  readonly rate: number;
  readonly steps: number;
  readonly seed: number;
}

export interface Adapter {
  readonly lora: LoraOptions;
  /** Optimizer steps taken. */
  readonly steps: number;
  readonly parameters: number;
}

export interface Trained {
  readonly adapter: Adapter;
  /** Of each step of this call. */
  readonly losses: readonly number[];
  /** Cancelled after the last of them; the next call goes on from there. */
  readonly stopped: boolean;
  /** Tokens of the whole text. */
  readonly tokens: number;
}

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface AdapterFiles {
  /** adapter_model.safetensors and adapter_config.json. */
  readonly peft: readonly NamedBytes[];
  /** With the optimizer's state, so that training can go on. */
  readonly checkpoint: Uint8Array;
  readonly root: Hex;
  /** Root of the frozen weights. */
  readonly base: Hex;
}

type None = Record<never, never>;

export interface ModelCalls {
  /** Models on this device. */
  readonly stored: { readonly args: None; readonly result: readonly StoredModel[] };
  /** `hashes` is what `sha256sum *` prints; null asks for none, left out means those of the last time. */
  readonly download: {
    readonly args: { readonly url: string; readonly hashes?: string | null };
    readonly result: StoredModel;
  };
  readonly remove: { readonly args: { readonly id: string }; readonly result: null };
  /** Looks at a model; it takes the place of the one before, which is unloaded. */
  readonly open: { readonly args: { readonly from: ModelFrom }; readonly result: ModelSummary };
  /** What the opened model would take. */
  readonly fit: { readonly args: ModelUse; readonly result: MemoryFit };
  readonly load: { readonly args: LoadModel; readonly result: LoadedModel };
  readonly generate: { readonly args: AskModel; readonly result: Answer };
  readonly train: { readonly args: TrainModel; readonly result: Trained };
  /** `base` names the model in PEFT's file. */
  readonly adapterFiles: { readonly args: { readonly base: string }; readonly result: AdapterFiles };
  /** Takes in adapter files that were downloaded before. */
  readonly adopt: { readonly args: { readonly files: readonly NamedBytes[] }; readonly result: Adapter };
  /** Unloads and forgets the model. */
  readonly close: { readonly args: None; readonly result: null };
}

/** What the worker tells unasked. */
export type ModelEvent =
  | {
      readonly kind: 'download';
      readonly url: string;
      readonly file: string;
      readonly bytes: number;
      readonly total: number | null;
    }
  | { readonly kind: 'load'; readonly tensors: number; readonly of: number }
  /** A piece of the answer; `tokens` so far, in `seconds` since the first of them. */
  | {
      readonly kind: 'text';
      readonly run: number;
      readonly text: string;
      readonly tokens: number;
      readonly seconds: number;
    }
  | {
      readonly kind: 'step';
      readonly run: number;
      /** Of the adapter, from 1. */
      readonly step: number;
      readonly loss: number;
      readonly seconds: number;
    };

export type ModelWorkerApi = CallsApi<ModelCalls, ModelEvent>;
