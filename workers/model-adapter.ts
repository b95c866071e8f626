/** The adapters of a loaded model: trains them on a text, exports them as files, and imports them again. */

import { elementCount } from '../compute/repops/program.ts';
import { configJson } from '../models/decoder/config.ts';
import type { FrozenSession } from '../models/decoder/frozen-session.ts';
import {
  type AdapterState,
  adapterRoot,
  decodeAdapters,
  encodeAdapters,
  freshAdapterState,
} from '../models/decoder/lora/adapter-state.ts';
import {
  adapterSpecs,
  initialAdapters,
  type LoraOptions,
  PROJECTIONS,
} from '../models/decoder/lora/adapters.ts';
import { peftFiles, readPeft } from '../models/decoder/lora/peft.ts';
import { seededStream } from '../models/decoder/seeded-stream.ts';
import { ModelLoadError } from '../models/loading/model-source.ts';
import type { OpenedModel } from '../models/loading/open-model.ts';
import type { Hex } from '../protocol/hex.ts';
import { TrainingTextError, trainingTokens, windowsAt } from '../training/text-windows.ts';
import type { Adapter, AdapterFiles, NamedBytes, Trained, TrainingSizes, TrainModel } from './model-api.ts';
import { messageYielder } from './yield-to-messages.ts';

export interface ModelAdapterOptions {
  readonly model: Pick<OpenedModel, 'config' | 'tokenizer' | 'generation'>;
  readonly session: FrozenSession;
  /** Computes the root of the frozen weights, which reads all of them. */
  readonly base: (signal: AbortSignal) => Promise<Hex>;
  /** The current time in milliseconds. */
  readonly now: () => number;
}

/** The LoRA options of the page: it adapts every projection. */
export function trainingLora({ rank, alpha }: Pick<TrainingSizes, 'rank' | 'alpha'>): LoraOptions {
  return { rank, alpha, targets: PROJECTIONS };
}

const PEFT_WEIGHTS = 'adapter_model.safetensors';
const PEFT_SETTINGS = 'adapter_config.json';

export class ModelAdapter {
  readonly #options: ModelAdapterOptions;
  #lora: LoraOptions | undefined;

  constructor(options: ModelAdapterOptions) {
    this.#options = options;
  }

  /**
   * Takes up to `steps` steps. An abort ends them after the current step. After a failure the adapters from
   * before the call are in place again.
   */
  async train(
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
    const { model, session, now } = this.#options;
    const { rows, length, recompute, steps, rate } = options;
    const ids = trainingTokens(options.source, model.tokenizer, model.generation.endTokens[0]);
    const before = this.#lora === undefined ? null : { lora: this.#lora, state: await session.snapshot() };
    const { lora, state } =
      options.fresh || before === null ? this.#fresh(trainingLora(options), options.seed) : before;
    await session.adapt(lora, state, { recompute });
    this.#lora = lora;
    const weights = new Array<number>(rows * length).fill(1 / (rows * length));
    const losses: number[] = [];
    const yieldToMessages = messageYielder(now);
    try {
      while (losses.length < steps && !o.signal.aborted) {
        const begun = now();
        const windows = windowsAt(ids, { step: session.steps, rows, length });
        const { loss, step } = await session.step({
          batch: rows,
          length,
          weights,
          learningRate: rate,
          ...windows,
        });
        if (!Number.isFinite(loss)) {
          throw new TrainingTextError(
            'The loss is no longer a number, so these steps were taken back; go on with a smaller rate',
          );
        }
        losses.push(loss);
        o.onStep({ step, loss, seconds: (now() - begun) / 1000 });
        await yieldToMessages();
      }
    } catch (error) {
      this.#lora = before?.lora;
      // A second failure must not hide the first one from the person.
      if (before !== null) await session.adapt(before.lora, before.state).catch(() => undefined);
      throw error;
    }
    return { adapter: this.#adapter(lora), losses, stopped: losses.length < steps, tokens: ids.length };
  }

  /**
   * The adapters as PEFT's files and as a checkpoint with its root. `name` is the frozen model's name for
   * people.
   */
  async files(name: string, signal: AbortSignal): Promise<AdapterFiles> {
    const { model, session } = this.#options;
    const { config } = model;
    const lora = this.#trained();
    const state = await session.snapshot();
    const base = await this.#options.base(signal);
    const checkpoint = { config, lora, base, state };
    const peft = peftFiles({ config, lora, adapters: state.adapters, base: name });
    return {
      peft: [PEFT_WEIGHTS, PEFT_SETTINGS].map((file) => ({
        name: file,
        bytes: peft[file as keyof typeof peft],
      })),
      checkpoint: encodeAdapters(checkpoint),
      root: adapterRoot(checkpoint),
      base,
    };
  }

  /**
   * Imports a Starling adapter checkpoint or PEFT's two files in place of the current adapters. Throws
   * ModelLoadError, LoraError, ModelStateError or SafetensorsError, changing nothing, for files that do not
   * belong to this model.
   */
  async adopt(files: readonly NamedBytes[], signal: AbortSignal): Promise<Adapter> {
    const { lora, state } = await this.#read(files, signal);
    await this.#options.session.adapt(lora, state);
    this.#lora = lora;
    return this.#adapter(lora);
  }

  async #read(
    files: readonly NamedBytes[],
    signal: AbortSignal,
  ): Promise<{ readonly lora: LoraOptions; readonly state: AdapterState }> {
    const { config } = this.#options.model;
    const find = (name: string) => files.find((file) => file.name === name)?.bytes;
    const settings = find(PEFT_SETTINGS);
    const weights = find(PEFT_WEIGHTS);
    if (settings !== undefined && weights !== undefined) {
      const { lora, adapters } = readPeft(config, { [PEFT_WEIGHTS]: weights, [PEFT_SETTINGS]: settings });
      return { lora, state: freshAdapterState(config, lora, adapters) };
    }
    const [file] = files;
    if (file === undefined || files.length > 1 || settings !== undefined || weights !== undefined) {
      throw new ModelLoadError(
        `These are no adapter; choose a checkpoint that Starling saved, or both ${PEFT_WEIGHTS} and ${PEFT_SETTINGS}`,
      );
    }
    const checkpoint = decodeAdapters(file.bytes);
    if (JSON.stringify(configJson(checkpoint.config)) !== JSON.stringify(configJson(config))) {
      throw new ModelLoadError(`${file.name} is for a model of another shape; load that model first`);
    }
    const base = await this.#options.base(signal);
    if (checkpoint.base !== base) {
      throw new ModelLoadError(
        `${file.name} was trained beside other weights (root ${checkpoint.base.slice(0, 10)}…, these have ${base.slice(0, 10)}…); load those first`,
      );
    }
    return checkpoint;
  }

  #fresh(lora: LoraOptions, seed: number): { readonly lora: LoraOptions; readonly state: AdapterState } {
    const { config } = this.#options.model;
    const draws = seededStream(seed, 'initialisation');
    const draw = (tensor: number, element: number, part: number) => draws.word(tensor, element, part);
    return { lora, state: freshAdapterState(config, lora, initialAdapters({ config, lora, draw })) };
  }

  #trained(): LoraOptions {
    if (this.#lora === undefined) throw new Error('There is no adapter yet. Train one, or load one.');
    return this.#lora;
  }

  #adapter(lora: LoraOptions): Adapter {
    const { session, model } = this.#options;
    const specs = adapterSpecs(model.config, lora);
    const parameters = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return { lora, steps: session.steps, parameters };
  }
}
