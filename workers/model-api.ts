/** What a page asks of the worker that holds a published model. */

import type { EngineKind } from '../compute/engines/engine.ts';
import type { SafetensorsDType } from '../models/checkpoint/safetensors.ts';
import type { ModelFamily } from '../models/decoder/config.ts';
import type { LoraOptions } from '../models/decoder/lora/adapters.ts';
import type { FilesBase } from '../models/loading/base-files.ts';
import type { ChunkedFile, ObtainedBase } from '../models/loading/base-library.ts';
import type { DescribedFile } from '../models/loading/describe-files.ts';
import type { GenerationDefaults } from '../models/loading/generation-config.ts';
import type { AddressedModel, StoredModel } from '../models/loading/library.ts';
import type { Hex } from '../protocol/hex.ts';
import type { TrainingText } from '../training/text-windows.ts';
import type { CallsApi } from './cancellable-calls.ts';
import type { MemoryFit } from './memory-fit.ts';

export interface PickedBlob {
  readonly name: string;
  /**
   * Path in the picked folder, such as "model/config.json". Equals the name when single files were picked.
   */
  readonly path: string;
  readonly blob: Blob;
}

export type ModelFrom =
  | { readonly kind: 'files'; readonly files: readonly PickedBlob[] }
  | { readonly kind: 'stored'; readonly id: string };

/** A model's description, from its small files and the headers of its weights. */
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
  /** Bytes of the parameters as stored. */
  readonly bytes: number;
  readonly chat: boolean;
  readonly generation: GenerationDefaults;
}

/** Sizes of adapters and of their training batches. */
export interface TrainingSizes {
  readonly rank: number;
  readonly alpha: number;
  /** Windows per step. */
  readonly rows: number;
  /** Tokens per window. */
  readonly length: number;
  /** Recomputes layers in the backward pass to save memory. */
  readonly recompute: boolean;
}

export interface ModelUse {
  readonly engine: EngineKind | 'auto';
  /** Most tokens of one sequence: prompt and answer together, or a training window. */
  readonly positions: number;
  /** Null when the model only generates. */
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
  /** The reason for choosing this engine, in one sentence. */
  readonly reason: string;
  readonly positions: number;
  readonly seconds: number;
}

export interface AskModel {
  /**
   * A number that every event of this call repeats, so that late events of an earlier call are recognised.
   */
  readonly run: number;
  readonly prompt: string;
  /** Whether the prompt goes through the model's chat template. */
  readonly chat: boolean;
  readonly greedy: boolean;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
  readonly maxNewTokens: number;
  /** Generates without the adapter. */
  readonly bare: boolean;
}

export interface Answer {
  readonly text: string;
  readonly promptTokens: number;
  readonly tokens: readonly number[];
  /** True when the model ended the answer, false when it reached the maximum number of tokens. */
  readonly ended: boolean;
  /** Duration of the call, prompt included. */
  readonly seconds: number;
  /** Time from the first token to the last. */
  readonly drawingSeconds: number;
  /** The hash that devices compare (`generationHash`). */
  readonly hash: Hex;
}

export interface TrainModel extends TrainingSizes {
  /** As in AskModel. */
  readonly run: number;
  readonly source: TrainingText;
  /**
   * Starts with new adapters. Otherwise the current adapters are trained further, with their own rank and
   * alpha.
   */
  readonly fresh: boolean;
  /** Learning rate. */
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
  /** Loss of each step of this call. */
  readonly losses: readonly number[];
  /** True when the call was cancelled after the last of these steps. The next call continues from there. */
  readonly stopped: boolean;
  /** Number of tokens of the whole text. */
  readonly tokens: number;
}

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface AdapterFiles {
  /** adapter_model.safetensors and adapter_config.json. */
  readonly peft: readonly NamedBytes[];
  /** The adapters with the optimizer's state, so that training can continue. */
  readonly checkpoint: Uint8Array;
  readonly root: Hex;
  /** Root of the frozen weights. */
  readonly base: Hex;
}

export interface DescribedFiles {
  readonly files: readonly DescribedFile[];
  readonly root: Hex;
}

type None = Record<never, never>;

export interface ModelCalls {
  /** Lists the models on this device. */
  readonly stored: { readonly args: None; readonly result: readonly StoredModel[] };
  /**
   * Downloads what is missing of a model. `hashes` is the output of `sha256sum *`. Null skips verification.
   * Defaults to the hashes of the previous download.
   */
  readonly download: {
    readonly args: { readonly url: string; readonly hashes?: string | null };
    readonly result: AddressedModel;
  };
  /** Names, sizes and SHA-256 of a model's files, and their root. Reads all of them. */
  readonly describe: {
    readonly args: { readonly from: ModelFrom };
    readonly result: DescribedFiles;
  };
  /**
   * Fetches what is missing of a swarm's base model from its addresses. What no address gives stays missing.
   */
  readonly obtain: { readonly args: { readonly base: FilesBase }; readonly result: ObtainedBase };
  /** Copies what is missing of a swarm's base from files that a member or a person gave. Each is checked. */
  readonly take: {
    readonly args: { readonly base: FilesBase; readonly files: readonly PickedBlob[] };
    readonly result: ObtainedBase;
  };
  /**
   * Indices of the chunks that are here of a file of a base that members give in chunks. `hashes` are those
   * of its manifest, 32 bytes each.
   */
  readonly heldChunks: {
    readonly args: ChunkedFile & { readonly hashes: Uint8Array };
    readonly result: readonly number[];
  };
  /** Writes a chunk whose hash was compared. */
  readonly putChunk: {
    readonly args: ChunkedFile & { readonly index: number; readonly bytes: Uint8Array };
    readonly result: null;
  };
  /** Compares the file with its SHA-256 once all its chunks are here. */
  readonly finishChunks: { readonly args: ChunkedFile; readonly result: ObtainedBase };
  /** Reads some of a model's small files, those that it has. */
  readonly read: {
    readonly args: { readonly from: ModelFrom; readonly names: readonly string[] };
    readonly result: readonly NamedBytes[];
  };
  /** A model's weights with a checkpoint's adapters merged into them, as model.safetensors. */
  readonly merge: {
    readonly args: { readonly from: ModelFrom; readonly checkpoint: Uint8Array };
    readonly result: Uint8Array;
  };
  readonly remove: { readonly args: { readonly id: string }; readonly result: null };
  /** Opens a model. The model that was open before is unloaded. */
  readonly open: { readonly args: { readonly from: ModelFrom }; readonly result: ModelSummary };
  /** Whether a use of the open model fits the device's memory. */
  readonly fit: { readonly args: ModelUse; readonly result: MemoryFit };
  readonly load: { readonly args: LoadModel; readonly result: LoadedModel };
  readonly generate: { readonly args: AskModel; readonly result: Answer };
  readonly train: { readonly args: TrainModel; readonly result: Trained };
  /** Exports the adapters. `base` is the name of the model in PEFT's file. */
  readonly adapterFiles: { readonly args: { readonly base: string }; readonly result: AdapterFiles };
  /** Imports adapter files that were exported before. */
  readonly adopt: { readonly args: { readonly files: readonly NamedBytes[] }; readonly result: Adapter };
  /** Unloads and closes the model. */
  readonly close: { readonly args: None; readonly result: null };
}

/** What the worker reports by itself. */
export type ModelEvent =
  | {
      readonly kind: 'download';
      readonly url: string;
      readonly file: string;
      readonly bytes: number;
      readonly total: number | null;
    }
  | { readonly kind: 'obtain'; readonly bytes: number; readonly total: number }
  | { readonly kind: 'describe'; readonly bytes: number; readonly total: number }
  | { readonly kind: 'load'; readonly tensors: number; readonly of: number }
  /** A piece of the answer, with the tokens so far and the seconds since the first of them. */
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
      /** Number of the adapter's step, from 1. */
      readonly step: number;
      readonly loss: number;
      readonly seconds: number;
    };

export type ModelWorkerApi = CallsApi<ModelCalls, ModelEvent>;
