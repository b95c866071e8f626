/**
 * A published model on an engine, with its matrices frozen in bf16: generates, scores, and trains adapters
 * beside them (LoRA). A session owns its tensors. Sessions that share an engine take turns.
 */

import type { Engine } from '../../compute/engines/engine.ts';
import type { KnownRoots } from '../checkpoint/root.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import { parameterDType, type WeightPlan } from './forward.ts';
import type { GenerateOptions, Generation } from './generate.ts';
import { ModelInputError, type SequenceBatch } from './inputs.ts';
import { type AdapterState, checkAdapters, freshAdapterState } from './lora/adapter-state.ts';
import { adapterSpecs, checkLora, type LoraOptions } from './lora/adapters.ts';
import { matricesToPrepack } from './prepacking.ts';
import { checkTrainedState, SessionCore, type SessionCoreOptions, trainedNames } from './session-core.ts';
import { canonicalCopy, type ModelState, ModelStateError, type NamedTensors } from './state.ts';
import type { StepResult, TrainingBatch } from './train-step.ts';
import type { WeightSource } from './weights.ts';

export interface FrozenSessionOptions extends SessionCoreOptions {
  readonly weights: WeightSource;
  /** Adapters for `step` to train (`initialAdapters` makes fresh ones). Defaults to none. */
  readonly lora?: LoraOptions & { readonly adapters: NamedTensors };
  /** Most positions of a sequence. Fewer make smaller rotary tables. Defaults to the model's context. */
  readonly positions?: number;
  /** Recomputes layers in the backward pass: the same bits in less memory, for about a third more work. */
  readonly recompute?: boolean;
  /**
   * Most bytes of further copies of the frozen matrices, as products on this engine read them fastest:
   * decoding one row on the wasm engine takes a third of the time. All copies together are as large as the
   * matrices. Defaults to 0.
   */
  readonly prepackBytes?: number;
  readonly onProgress?: (progress: { readonly tensors: number; readonly of: number }) => void;
  readonly signal?: AbortSignal;
}

/** The plan of a model without adapters. */
const BASE_WEIGHTS: WeightPlan = { frozen: true };

function planOf({ rank, alpha, targets }: LoraOptions): WeightPlan {
  return { frozen: true, lora: { rank, alpha, targets } };
}

export class FrozenSession {
  readonly #core: SessionCore;
  #plan: WeightPlan;
  #recompute: boolean;
  /** Whether the cached programs are those without adapters. */
  #cachedWithoutAdapters = false;

  private constructor(options: FrozenSessionOptions) {
    const { config, lora, recompute = false, positions = config.context } = options;
    const context = Math.min(config.context, positions);
    this.#core = new SessionCore({ ...options, config: { ...config, context } });
    this.#plan = lora === undefined ? BASE_WEIGHTS : planOf(lora);
    this.#recompute = recompute;
  }

  /**
   * Brings the weights to the engine one tensor at a time. Throws what `weights` throws, ModelStateError or
   * LoraError for adapters that do not fit, EngineMemoryError when the device refuses, or the signal's
   * reason. After an error nothing stays on the engine.
   */
  static async create(options: FrozenSessionOptions): Promise<FrozenSession> {
    const { positions = 1, lora, weights, signal } = options;
    if (!Number.isInteger(positions) || positions < 1) {
      throw new ModelInputError(`positions must be a positive integer, got ${positions}`);
    }
    if (lora !== undefined) checkLora(lora);
    const session = new FrozenSession(options);
    const { config } = session;
    const { tensors } = session.#core;
    try {
      session.#core.putRopeTables();
      const specs = parameterSpecs(config);
      for (const [index, { name, shape }] of specs.entries()) {
        signal?.throwIfAborted();
        const values =
          parameterDType(session.#plan, shape) === 'bf16'
            ? await weights.bfloat16(name, signal)
            : canonicalCopy(await weights.float32(name, signal), name);
        tensors.put(name, shape, values);
        options.onProgress?.({ tensors: index + 1, of: specs.length });
      }
      const copies = matricesToPrepack(config, options.prepackBytes ?? 0).specs;
      await tensors.prepack(
        copies.map(({ name }) => name),
        signal,
      );
      if (lora !== undefined) session.#load(freshAdapterState(config, lora, lora.adapters));
    } catch (error) {
      tensors.free();
      throw error;
    }
    return session;
  }

  get engine(): Engine {
    return this.#core.engine;
  }

  /** The model's configuration, with the context cut down to `positions`. */
  get config(): DecoderConfig {
    return this.#core.config;
  }

  /** Optimizer steps taken. */
  get steps(): number {
    return this.#core.steps;
  }

  /**
   * Samples a continuation of each prompt, with `withoutAdapters` from the frozen model alone. Waits for
   * earlier calls. Throws ModelInputError on input out of range.
   */
  generate(options: GenerateOptions & { readonly withoutAdapters?: boolean }): Promise<Generation[]> {
    const { withoutAdapters = false } = options;
    return this.#core.exclusive(() => {
      // Programs are cached by their sizes, which do not tell programs with adapters from those without.
      if (withoutAdapters !== this.#cachedWithoutAdapters) this.#core.tensors.release();
      this.#cachedWithoutAdapters = withoutAdapters;
      const plan = withoutAdapters ? BASE_WEIGHTS : this.#plan;
      return this.#core.generate(options, plan);
    });
  }

  /**
   * Puts adapters with their moments and step in place of the current ones. `recompute` defaults to the
   * current setting. Waits for earlier calls. Throws LoraError or ModelStateError, changing nothing, when
   * they do not fit. If an adapter holds NaN, or memory runs out (EngineMemoryError), the session is left
   * without adapters.
   */
  adapt(
    lora: LoraOptions,
    state: AdapterState,
    options: { readonly recompute?: boolean } = {},
  ): Promise<void> {
    return this.#core.exclusive(
      async () => {
        checkLora(lora);
        checkState(this.config, lora, state);
        this.#dropAdapters();
        this.#plan = planOf(lora);
        this.#recompute = options.recompute ?? this.#recompute;
        try {
          this.#load(state);
        } catch (error) {
          this.#dropAdapters();
          throw error;
        }
      },
      { evenInconsistent: true },
    );
  }

  /**
   * Frees the inputs, results and caches of earlier calls, so that those of another kind of call fit. Waits
   * for earlier calls.
   */
  release(): Promise<void> {
    return this.#core.exclusive(async () => this.#core.tensors.release(), { evenInconsistent: true });
  }

  /** Log-probability of each target, [batch * length], canonical f32. Waits for earlier calls. */
  score(batch: SequenceBatch, options: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#core.score(batch, this.#plan, options);
  }

  /**
   * Merkle root of each frozen matrix by name, computed on the engine where it can. Waits for earlier calls.
   */
  matrixRoots(): Promise<KnownRoots> {
    return this.#core.exclusive(() => {
      const matrices = parameterSpecs(this.config).filter(
        ({ shape }) => parameterDType(BASE_WEIGHTS, shape) === 'bf16',
      );
      return this.#core.tensors.roots(matrices.map(({ name }) => name));
    });
  }

  /** The Merkle root of each tensor of a snapshot, by its name in a checkpoint. Waits for earlier calls. */
  roots(): Promise<KnownRoots> {
    return this.#core.exclusive(async () =>
      this.#core.tensors.roots(trainedNames(adapterSpecs(this.config, this.#lora()))),
    );
  }

  /**
   * One AdamW step of the adapters. It cannot be aborted. After a failure only `restore` or `adapt` makes the
   * session usable again.
   */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#core.exclusive(async () => {
      this.#lora();
      return this.#core.step(batch, { plan: this.#plan, recompute: this.#recompute });
    });
  }

  /** A copy of adapters, moments and step. */
  snapshot(): Promise<AdapterState> {
    return this.#core.exclusive(async () => {
      const { values, ...rest } = await this.#core.snapshot(adapterSpecs(this.config, this.#lora()));
      return { adapters: values, ...rest };
    });
  }

  /**
   * Restores a snapshot (canonicalised). Throws ModelStateError, changing nothing, when it does not fit the
   * model.
   */
  restore(state: AdapterState | ModelState): Promise<void> {
    return this.#core.exclusive(
      async () => {
        if (!('adapters' in state)) {
          throw new ModelStateError('This session trains adapters; open all weights to restore these.');
        }
        this.#load(state);
      },
      { evenInconsistent: true },
    );
  }

  /** Frees this session's tensors after the calls in progress. The caller stops the engine. */
  dispose(): Promise<void> {
    return this.#core.dispose();
  }

  #lora(): LoraOptions {
    const { lora } = this.#plan;
    if (lora === undefined) {
      throw new ModelStateError('This session has no adapters; create one with `lora`.');
    }
    return lora;
  }

  #dropAdapters(): void {
    const { lora } = this.#plan;
    this.#core.unload(lora === undefined ? [] : adapterSpecs(this.config, lora));
    this.#plan = BASE_WEIGHTS;
  }

  #load(state: AdapterState): void {
    const lora = this.#lora();
    this.#core.load(adapterSpecs(this.config, lora), checkState(this.config, lora, state));
  }
}

/** The adapters as a trained state. Throws ModelStateError unless they are those of this model. */
function checkState(config: DecoderConfig, lora: LoraOptions, { adapters, ...rest }: AdapterState) {
  const state = { values: adapters, ...rest };
  checkTrainedState(state, 'adapters', (tensors, what) => checkAdapters(config, lora, tensors, what));
  return state;
}
