/**
 * A published model for a person to inspect, load on an engine, prompt and adapt to a text. It handles one
 * model at a time and knows no thread and no page: model-service.ts puts it behind messages.
 */

import { DeviceLostError, type Engine, type EngineKind } from '../compute/engines/engine.ts';
import { elementCount } from '../compute/repops/program.ts';
import { parameterSpecs } from '../models/decoder/config.ts';
import { FrozenSession } from '../models/decoder/frozen-session.ts';
import { generationHash } from '../models/decoder/generation-hash.ts';
import { ModelInputError } from '../models/decoder/inputs.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import { predictFrozenMemory } from '../models/decoder/memory.ts';
import { seededStream } from '../models/decoder/seeded-stream.ts';
import type { WeightSource } from '../models/decoder/weights.ts';
import type { EngineSelection } from '../models/engine-choice/choose.ts';
import { blobSource } from '../models/loading/blob-source.ts';
import { describeFiles } from '../models/loading/describe-files.ts';
import type { ModelLibrary } from '../models/loading/library.ts';
import { type ModelSource, readWhole } from '../models/loading/model-source.ts';
import { type OpenedModel, openModel } from '../models/loading/open-model.ts';
import { openWeights } from '../models/loading/weight-files.ts';
import { StreamingDecoder } from '../models/tokenizer/streaming-decoder.ts';
import type { Hex } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { SerialQueue } from '../protocol/serial-queue.ts';
import { type MemoryFit, memoryFit } from './memory-fit.ts';
import { mergeCheckpoint } from './merge-checkpoint.ts';
import { ModelAdapter, trainingLora } from './model-adapter.ts';
import type {
  Adapter,
  AdapterFiles,
  Answer,
  AskModel,
  DescribedFiles,
  LoadedModel,
  LoadModel,
  ModelFrom,
  ModelSummary,
  ModelUse,
  NamedBytes,
  PickedBlob,
  Trained,
  TrainModel,
} from './model-api.ts';
import { messageYielder } from './yield-to-messages.ts';

export interface ModelHostOptions {
  readonly library: ModelLibrary;
  /** Makes an engine that gives the specified bits. */
  chooseEngine(
    choice: EngineKind | 'auto',
    options: { readonly threads: number; readonly signal: AbortSignal },
  ): Promise<EngineSelection>;
  /** The device's memory according to the browser, in GiB. */
  readonly deviceMemory: number | undefined;
  /** The current time in milliseconds. */
  readonly now: () => number;
}

/** Most bytes of a file that is read whole, as a tokenizer is. */
const READ_LIMIT = 1 << 26;

interface Opened extends OpenedModel {
  readonly from: ModelFrom;
  /** Root of the weights that computations use. Computed on the first request. */
  base?: Hex;
}

interface Loaded {
  readonly model: Opened;
  readonly engine: Engine;
  readonly session: FrozenSession;
  readonly adapter: ModelAdapter;
}

export class ModelHost {
  readonly #options: ModelHostOptions;
  #opened: Opened | undefined;
  #loaded: Loaded | undefined;
  /** Calls that replace one model by another run one after another. */
  readonly #changes = new SerialQueue();

  constructor(options: ModelHostOptions) {
    this.#options = options;
  }

  /**
   * Opens a model in place of the current one. Throws what `openModel` throws; the current one then stays
   * open.
   */
  open(from: ModelFrom, signal: AbortSignal): Promise<ModelSummary> {
    return this.#changes.run(() =>
      this.#withSource(from, async (source) => {
        const model = await openModel(source, { signal });
        await this.#unload();
        this.#opened = { ...model, from };
        return summaryOf(model);
      }),
    );
  }

  /**
   * Hashes a model's files, which need not be open. Throws what `openModel` throws for files that are no
   * model.
   */
  describe(
    from: ModelFrom,
    o: { readonly signal: AbortSignal; readonly onProgress: (bytes: number, total: number) => void },
  ): Promise<DescribedFiles> {
    return this.#changes.run(() =>
      this.#withSource(from, async (source) => {
        await openModel(source, o);
        return describeFiles(source, o);
      }),
    );
  }

  /** Some of a model's small files, those that it has. Throws ModelLoadError for one over its limit. */
  readFiles(from: ModelFrom, names: readonly string[], signal: AbortSignal): Promise<readonly NamedBytes[]> {
    return this.#withSource(from, async (source) => {
      const files: NamedBytes[] = [];
      for (const name of names) {
        if ((await source.open(name, signal)) === undefined) continue;
        files.push({ name, bytes: await readWhole(source, name, READ_LIMIT, signal) });
      }
      return files;
    });
  }

  /** A model's weights with a checkpoint's adapters in them. Throws what `mergeCheckpoint` throws. */
  merge(from: ModelFrom, checkpoint: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return this.#withSource(from, (source) => mergeCheckpoint({ source, checkpoint, signal }));
  }

  /**
   * Whether the planned use of the open model fits. Pure. Throws LoraError for an impossible rank or alpha.
   */
  fit(use: ModelUse): MemoryFit {
    const { config } = this.#model();
    const { training } = use;
    const positions = Math.min(use.positions, config.context);
    const parts = predictFrozenMemory(config, {
      positions,
      generate: { batch: 1, positions, prompt: positions },
      ...(training === null
        ? {}
        : {
            lora: trainingLora(training),
            train: { batch: training.rows, length: training.length, recompute: training.recompute },
          }),
    });
    return memoryFit({ parts, engine: use.engine, deviceMemory: this.#options.deviceMemory });
  }

  /**
   * Loads the open model on an engine. Throws EngineError, EngineMemoryError, or what reading the weights
   * throws; nothing stays loaded then.
   */
  load(
    { engine: choice, threads, positions }: LoadModel,
    o: {
      readonly signal: AbortSignal;
      readonly onProgress: (progress: { readonly tensors: number; readonly of: number }) => void;
    },
  ): Promise<LoadedModel> {
    return this.#changes.run(async () => {
      o.signal.throwIfAborted();
      const model = this.#model();
      await this.#unload();
      const { now, chooseEngine } = this.#options;
      const begun = now();
      const { engine, reason } = await chooseEngine(choice, { threads, signal: o.signal });
      try {
        const session = await this.#withWeights(model, (weights) =>
          FrozenSession.create({ engine, config: model.config, weights, positions, ...o }),
        );
        const base = (signal: AbortSignal) => this.#base(model, session, signal);
        this.#loaded = { model, engine, session, adapter: new ModelAdapter({ model, session, base, now }) };
      } catch (error) {
        await engine.stop();
        throw error;
      }
      const { kind, description } = engine;
      return { engine: kind, description, reason, positions, seconds: (now() - begun) / 1000 };
    });
  }

  /**
   * Samples an answer. Throws TokenizerError or ModelInputError for an unusable prompt, or the signal's
   * reason.
   */
  async generate(
    ask: AskModel,
    o: {
      readonly signal: AbortSignal;
      readonly onText: (piece: {
        readonly text: string;
        readonly tokens: number;
        readonly seconds: number;
      }) => void;
    },
  ): Promise<Answer> {
    const { session, model } = this.#running();
    const { tokenizer, generation } = model;
    const prompt = ask.chat
      ? tokenizer.encodeChat([{ role: 'user', content: ask.prompt }])
      : tokenizer.encodeDocument(ask.prompt);
    const wanted = prompt.length + ask.maxNewTokens;
    if (wanted > session.config.context) {
      throw new ModelInputError(
        `The prompt (${prompt.length} tokens) and its answer need ${wanted} positions, and ${session.config.context} were made ready; shorten one of them, or load the model with more`,
      );
    }
    const uniforms = seededStream(ask.seed, 'sampling');
    // A continuation is shown after its prompt, an answer of a conversation alone.
    const decoder = new StreamingDecoder(tokenizer, ask.chat ? [] : prompt);
    const { now } = this.#options;
    const yieldToMessages = messageYielder(now);
    const begun = now();
    let first = 0;
    let tokens = 0;
    let text = '';
    await session.release();
    const rows = await this.#unloadIfLost(
      session.generate({
        prompts: [prompt],
        maxNewTokens: ask.maxNewTokens,
        endToken: generation.endTokens,
        batch: 1,
        greedy: ask.greedy,
        temperature: ask.temperature,
        topK: ask.topK,
        topP: ask.topP,
        withoutAdapters: ask.bare,
        uniform: (item, position) => uniforms.uniform(item, 0, position),
        onToken: (_row, token) => {
          if (tokens === 0) first = now();
          tokens += 1;
          const piece = decoder.push(token);
          text += piece;
          o.onText({ text: piece, tokens, seconds: (now() - first) / 1000 });
          return yieldToMessages();
        },
        signal: o.signal,
      }),
    );
    const row = must(rows, 0);
    const end = now();
    const last = row.tokens.at(-1);
    return {
      text: text + decoder.finish(),
      promptTokens: prompt.length,
      tokens: row.tokens,
      ended: last !== undefined && generation.endTokens.includes(last),
      seconds: (end - begun) / 1000,
      drawingSeconds: (end - first) / 1000,
      hash: generationHash(row),
    };
  }

  /**
   * Takes LoRA steps. An abort ends them after the current step. Throws TrainingTextError, LoraError,
   * EngineError.
   */
  train(
    options: TrainModel,
    o: {
      readonly signal: AbortSignal;
      readonly onStep: (step: {
        readonly step: number;
        readonly loss: number;
        readonly seconds: number;
      }) => void;
    },
  ): Promise<Trained> {
    return this.#unloadIfLost(this.#running().adapter.train(options, o));
  }

  adapterFiles(base: string, signal: AbortSignal): Promise<AdapterFiles> {
    return this.#unloadIfLost(this.#running().adapter.files(base, signal));
  }

  adopt(files: readonly NamedBytes[], signal: AbortSignal): Promise<Adapter> {
    return this.#unloadIfLost(this.#running().adapter.adopt(files, signal));
  }

  /** Frees the engine and closes the model, after the calls in progress. */
  close(): Promise<void> {
    return this.#changes.run(async () => {
      this.#opened = undefined;
      await this.#unload();
    });
  }

  async #unload(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    try {
      // Waits for the run in progress, which still uses the memory.
      await loaded?.session.dispose();
    } finally {
      await loaded?.engine.stop();
    }
  }

  #model(): Opened {
    if (this.#opened === undefined) throw new Error('No model is open. Choose one first.');
    return this.#opened;
  }

  #running(): Loaded {
    if (this.#loaded === undefined) throw new Error('The model is not loaded. Load it first.');
    return this.#loaded;
  }

  async #base(model: Opened, session: FrozenSession, signal: AbortSignal): Promise<Hex> {
    if (model.base === undefined) {
      const known = await session.matrixRoots();
      model.base = await this.#withWeights(model, (weights) =>
        frozenRoot(model.config, weights, { signal, known }),
      );
    }
    return model.base;
  }

  /** Unloads the model when `work` fails because the GPU, and the weights with it, is lost. */
  async #unloadIfLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof DeviceLostError) await this.#changes.run(() => this.#unload());
      throw error;
    }
  }

  async #source(from: ModelFrom): Promise<ModelSource & { close(): Promise<void> }> {
    if (from.kind === 'stored') return this.#options.library.source(from.id);
    return { ...pickedSource(from.files), close: async () => undefined };
  }

  async #withSource<T>(from: ModelFrom, work: (source: ModelSource) => Promise<T>): Promise<T> {
    const source = await this.#source(from);
    try {
      return await work(source);
    } finally {
      await source.close();
    }
  }

  /** Opens the files only while they are read, because an open file is locked against other tabs. */
  #withWeights<T>(model: Opened, work: (weights: WeightSource) => Promise<T>): Promise<T> {
    return this.#withSource(model.from, async (source) => work(await openWeights(source, model.config)));
  }
}

/** The files that a person picked. */
export function pickedSource(picked: readonly PickedBlob[]): ModelSource {
  return blobSource(
    picked.map(({ name, path, blob }) => ({
      name,
      webkitRelativePath: path === name ? '' : path,
      size: blob.size,
      slice: (start: number, end: number) => blob.slice(start, end),
    })),
  );
}

function summaryOf({ config, generation, tokenizer, weights }: OpenedModel): ModelSummary {
  const { layers, hiddenSize, heads, kvHeads, vocabulary, context } = config;
  return {
    family: config.family ?? 'qwen2',
    parameters: parameterSpecs(config).reduce((sum, { shape }) => sum + elementCount(shape), 0),
    layers,
    hiddenSize,
    heads,
    kvHeads,
    vocabulary,
    context,
    dtypes: weights.dtypes,
    files: weights.files.length,
    bytes: weights.bytes,
    chat: tokenizer.hasChatTemplate,
    generation,
  };
}
