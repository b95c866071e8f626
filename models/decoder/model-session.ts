/**
 * A model on an engine with every parameter in training: samples, scores and trains. A session owns its
 * tensors. Sessions that share an engine take turns, because an engine does one run at a time.
 */
import type { Engine } from '../../compute/engines/engine.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import type { GenerateOptions, Generation } from './generate.ts';
import type { SequenceBatch } from './inputs.ts';
import type { AdapterState } from './lora/adapter-state.ts';
import { checkTrainedState, SessionCore, type SessionCoreOptions, trainedNames } from './session-core.ts';
import { checkTensors, freshState, type ModelState, ModelStateError, type NamedTensors } from './state.ts';
import type { StepResult, TrainingBatch } from './train-step.ts';

export type { StepResult, TrainingBatch } from './train-step.ts';

export interface SessionOptions extends SessionCoreOptions {
  readonly parameters: NamedTensors;
}

export class ModelSession {
  readonly #core: SessionCore;

  private constructor(options: SessionOptions) {
    this.#core = new SessionCore(options);
  }

  /**
   * Copies the parameters (canonicalised) to the engine, with a fresh optimizer. Throws ModelStateError when
   * they do not fit the configuration, and EngineMemoryError when the device refuses.
   */
  static async create(options: SessionOptions): Promise<ModelSession> {
    const { config, parameters } = options;
    const session = new ModelSession(options);
    checkTensors(config, parameters, 'parameters');
    try {
      session.#core.putRopeTables();
      session.#load(freshState(config, parameters));
    } catch (error) {
      session.#core.tensors.free();
      throw error;
    }
    return session;
  }

  get engine(): Engine {
    return this.#core.engine;
  }

  get config(): DecoderConfig {
    return this.#core.config;
  }

  /** Optimizer steps taken. */
  get steps(): number {
    return this.#core.steps;
  }

  /**
   * Samples a continuation of each prompt. Waits for earlier calls. Throws ModelInputError on input out of
   * range.
   */
  generate(options: GenerateOptions): Promise<Generation[]> {
    return this.#core.exclusive(() => this.#core.generate(options));
  }

  /** Log-probability of each target, [batch * length], canonical f32. Waits for earlier calls. */
  score(batch: SequenceBatch, options: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#core.score(batch, undefined, options);
  }

  /**
   * One AdamW step. It cannot be aborted. After a failure only `restore` makes the session usable again;
   * other calls throw ModelStateError.
   */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#core.exclusive(() => this.#core.step(batch));
  }

  /** A copy of parameters, moments and step. */
  snapshot(): Promise<ModelState> {
    return this.#core.exclusive(async () => {
      const { values, ...rest } = await this.#core.snapshot(parameterSpecs(this.config));
      return { parameters: values, ...rest };
    });
  }

  /**
   * The Merkle root of each tensor of a snapshot, by its name in a checkpoint. The engine computes them where
   * it can, and then only hashes are read.
   */
  roots(): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#core.exclusive(() => this.#core.tensors.roots(trainedNames(parameterSpecs(this.config))));
  }

  /**
   * Restores a snapshot (canonicalised). Throws ModelStateError, changing nothing, when it does not fit the
   * model.
   */
  restore(state: ModelState | AdapterState): Promise<void> {
    return this.#core.exclusive(
      async () => {
        if (!('parameters' in state)) {
          throw new ModelStateError(
            'This session trains all weights; restore adapters beside frozen weights.',
          );
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

  #load({ parameters, ...rest }: ModelState): void {
    const state = { values: parameters, ...rest };
    checkTrainedState(state, 'parameters', (tensors, what) => checkTensors(this.config, tensors, what));
    this.#core.load(parameterSpecs(this.config), state);
  }
}
