/** What a page asks of the worker that computes hops of a model in blocks. */
import type { EngineKind } from '../compute/engines/engine.ts';
import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import type { NamedSize } from '../models/loading/callback-source.ts';
import type { FilePart } from '../protocol/file-part.ts';
import type { Hex } from '../protocol/hex.ts';
import type { BlockRunSettings } from '../training/blocks/open-block-run.ts';
import type { CallsApi } from './cancellable-calls.ts';
import type { StartModel } from './compute-api.ts';
import type { EngineReport } from './engine-report.ts';
import type { HopOutput } from './hop-host.ts';
import type { CallsOf } from './remote-methods.ts';

/** A model on this device, beside the page, or whose files the page reads for the worker. */
export type BlockModel = StartModel | { readonly kind: 'chunked'; readonly files: readonly NamedSize[] };

/** The files of a `chunked` model, as the page has them. */
export interface PageFiles {
  /** Gives exactly these bytes of a file. */
  read(name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Told of parts that are needed no more. */
  released(parts: readonly FilePart[]): void;
}

/** A folder of the run: its blocks, and parts of the model that it starts from. */
export type RunFolder = 'blocks' | 'base';

export interface OpenBlocks {
  readonly model: BlockModel;
  readonly settings: BlockRunSettings;
  /** The file of each data set of the tasks, by its id. */
  readonly dataSets: ReadonlyMap<string, Uint8Array>;
  readonly engine: EngineKind | 'auto';
  /** Threads of the wasm engine, the worker's own included. */
  readonly threads: number;
  /** Names the folder of this run on the device, with a folder below it for each `RunFolder`. */
  readonly folder: readonly string[];
}

export interface OpenedBlocks {
  readonly engine: EngineReport<EngineVerdict>;
  /** Whether the folder is lost when the worker ends, as in a private window. */
  readonly isFolderTemporary: boolean;
  /** The model's blocks, with the bytes of a version of each, and the memory to compute its hops. */
  readonly blocks: readonly { readonly id: string; readonly bytes: number; readonly memory: number }[];
}

/** A version that the worker holds now. */
export interface LoadedBlock {
  readonly block: string;
  readonly step: number;
  /** The root of each of its tensors, by name. */
  readonly roots: ReadonlyMap<string, Hex>;
}

/**
 * A checkpoint of all weights or of adapters as the model's own trainer writes it (docs/checkpoint.md), with
 * no learning settings.
 */
export interface AssembledModel {
  readonly step: number;
  readonly bytes: Uint8Array;
  readonly root: Hex;
}

export interface HopMethods {
  /** Opens a run. It replaces none: `stop` comes first. */
  open(options: OpenBlocks, signal?: AbortSignal): Promise<OpenedBlocks>;
  /** Takes a block as the run starts with it, from the model's files. */
  begin(block: string, signal?: AbortSignal): Promise<LoadedBlock>;
  /** Takes a block's version from its file. */
  load(file: Uint8Array): Promise<LoadedBlock>;
  /** The file of a version that is held. */
  file(block: string, step: number): Promise<Uint8Array>;
  /** Gives a block's versions back, and keeps its frozen weights for another version. */
  forget(block: string): Promise<void>;
  /** Gives a block's versions and its frozen weights back. */
  release(block: string): Promise<void>;
  /**
   * The roots of all blocks' tensors as the run starts with them, by name. Reads one tensor of the model at a
   * time.
   */
  firstRoots(signal?: AbortSignal): Promise<ReadonlyMap<string, Hex>>;
  /**
   * The root of the frozen weights beside which adapters are trained, or null where all weights are. Reads
   * one tensor of the model at a time.
   */
  base(signal?: AbortSignal): Promise<Hex | null>;
  /** The block, step and tensor roots of a version's file, which is not kept. */
  describe(file: Uint8Array): Promise<LoadedBlock>;
  /**
   * The whole model's checkpoint from the files of all blocks after the same step, with its root: that of the
   * adapters where the weights are frozen.
   */
  assemble(files: readonly Uint8Array[]): Promise<AssembledModel>;
  /** The roots of a step's data, by name. */
  dataRoots(step: number): Promise<ReadonlyMap<string, Hex>>;
  /** Computes a hop from what other hops gave. */
  compute(
    step: number,
    hop: number,
    inputs: ReadonlyMap<string, Uint8Array>,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, HopOutput>>;
  /** The names of the files in a folder of the run, which only a worker can write. */
  listFiles(folder: RunFolder): Promise<readonly string[]>;
  /** A file of the folder. Undefined where there is none. */
  readFile(folder: RunFolder, name: string): Promise<Uint8Array | undefined>;
  /** Writes a file of the folder and flushes it. Fails as `storage-full` where there is no room. */
  writeFile(folder: RunFolder, name: string, parts: readonly Uint8Array[]): Promise<void>;
  removeFile(folder: RunFolder, name: string): Promise<void>;
  /** Answers a `read` event: with the bytes, or with a sentence that says why there are none. */
  give(id: number, answer: { readonly bytes: Uint8Array } | { readonly problem: string }): Promise<void>;
  /** Sets the maximum share of the time that the engine computes, 0.1 to 1. */
  setShare(share: number): Promise<void>;
  /** Ends the calls in progress and frees the engine. */
  stop(): Promise<void>;
}

/** What the worker says of a `chunked` model. */
export type HopEvent =
  /** It needs bytes of a file. The page answers with `give`. */
  | {
      readonly kind: 'read';
      readonly id: number;
      readonly name: string;
      readonly offset: number;
      readonly length: number;
    }
  /** It gave back a block whose weights these are, and needs them no more. */
  | { readonly kind: 'released'; readonly parts: readonly FilePart[] };

/** The interface that the worker exposes through Comlink. */
export type HopWorkerApi = CallsApi<CallsOf<HopMethods>, HopEvent>;
