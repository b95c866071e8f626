/**
 * A model living on an engine: samples, scores and trains. A session owns its tensors; sessions that share an engine take
 * turns, because an engine does one run at a time.
 */
import type { Engine } from '../../compute/engines/engine.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import {
  DEFAULT_OPTIMIZER,
  DEFAULT_POLICY,
  type OptimizerOptions,
  type PolicyOptions,
  scoreProgram,
  trainingProgram,
} from './decoder.ts';
import { inTurn } from './engine-queue.ts';
import { type GenerateOptions, type Generation, generate } from './generate.ts';
import { HyperSchedule } from './hyper.ts';
import { checkBatch, type SequenceBatch } from './inputs.ts';
import { modelRopeTables } from './rope.ts';
import {
  canonicalCopy,
  checkTensors,
  freshState,
  type ModelState,
  ModelStateError,
  type NamedTensors,
} from './state.ts';
import { TensorStore } from './tensor-store.ts';
import {
  checkTraining,
  objectiveOf,
  runTraining,
  type StepResult,
  type TrainingBatch,
  writeSequences,
  writeTraining,
} from './train-step.ts';

export type { StepResult, TrainingBatch } from './train-step.ts';

export interface SessionOptions {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly optimizer?: OptimizerOptions;
  readonly policy?: PolicyOptions;
}

export class ModelSession {
  readonly config: DecoderConfig;
  readonly engine: Engine;
  readonly #optimizer: OptimizerOptions;
  readonly #policy: PolicyOptions;
  readonly #hyper: HyperSchedule;
  readonly #tensors: TensorStore;
  #step = 0;
  #disposed = false;
  /** A step failed midway: parameters are neither before nor after it. */
  #torn = false;

  private constructor(options: SessionOptions) {
    this.engine = options.engine;
    this.config = options.config;
    this.#optimizer = options.optimizer ?? DEFAULT_OPTIMIZER;
    this.#policy = options.policy ?? DEFAULT_POLICY;
    this.#hyper = new HyperSchedule(this.#optimizer);
    this.#tensors = new TensorStore(options.engine);
  }

  /**
   * Copies the parameters (canonicalised) to the engine, with a fresh optimizer. Throws ModelStateError when they do not fit
   * the configuration and EngineMemoryError when the device refuses.
   */
  static async create(options: SessionOptions): Promise<ModelSession> {
    const session = new ModelSession(options);
    const { config } = options;
    checkTensors(config, options.parameters, 'parameters');
    try {
      const tables = modelRopeTables(config, config.context);
      const tableShape = [config.context, config.headDim / 2];
      session.#tensors.put('rope.cos', tableShape, tables.cos);
      session.#tensors.put('rope.sin', tableShape, tables.sin);
      session.#load(freshState(config, options.parameters));
    } catch (error) {
      session.#tensors.free();
      throw error;
    }
    return session;
  }

  /** Optimizer steps taken. */
  get steps(): number {
    return this.#step;
  }

  /** Samples a continuation of each prompt. Waits for earlier calls. Throws ModelInputError on input out of range. */
  generate(options: GenerateOptions): Promise<Generation[]> {
    return this.#exclusive(() => generate(this.config, this.#tensors, options));
  }

  /** Log-probability of each target, [batch * length], canonical f32. Waits for earlier calls. */
  score(batch: SequenceBatch, options: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#exclusive(async () => {
      checkBatch(this.config, batch);
      const program = this.#tensors.program(`score ${batch.batch} ${batch.length}`, () =>
        scoreProgram(this.config, batch),
      );
      writeSequences(program, batch);
      await program.run(options);
      return await program.floats('logprobs');
    });
  }

  /**
   * One AdamW step. Not abortable: it either happens or fails, and after a failure only `restore` makes the session usable
   * again (ModelStateError otherwise).
   */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#exclusive(async () => {
      checkTraining(this.config, batch);
      const objective = objectiveOf(batch);
      const program = this.#tensors.program(`train ${objective} ${batch.batch} ${batch.length}`, () =>
        trainingProgram(this.config, {
          batch: batch.batch,
          length: batch.length,
          objective,
          optimizer: this.#optimizer,
          policy: this.#policy,
        }),
      );
      writeTraining(program, batch, this.#hyper.at(this.#step + 1, batch.learningRate));
      this.#torn = true;
      const result = await runTraining(program);
      this.#torn = false;
      this.#step += 1;
      return { ...result, step: this.#step };
    });
  }

  /** A copy of parameters, moments and step. */
  snapshot(): Promise<ModelState> {
    return this.#exclusive(async () => {
      const copy = async (prefix: string) => {
        const out = new Map<string, Float32Array>();
        for (const { name } of parameterSpecs(this.config)) {
          out.set(name, await this.#tensors.read(prefix + name));
        }
        return out;
      };
      return {
        parameters: await copy(''),
        m: await copy('optimizer.m.'),
        v: await copy('optimizer.v.'),
        step: this.#step,
      };
    });
  }

  /**
   * The Merkle root of each tensor of a snapshot by its name in a checkpoint, hashed on the engine where it can: only hashes
   * are read.
   */
  roots(): Promise<ReadonlyMap<string, Uint8Array>> {
    const names = parameterSpecs(this.config).map(({ name }) => name);
    const prefixes = ['', 'optimizer.m.', 'optimizer.v.'];
    return this.#exclusive(() =>
      this.#tensors.roots(prefixes.flatMap((prefix) => names.map((name) => prefix + name))),
    );
  }

  /** Puts a snapshot back (canonicalised). Throws ModelStateError, changing nothing, when it does not fit the model. */
  restore(state: ModelState): Promise<void> {
    return this.#exclusive(async () => this.#load(state), { evenTorn: true });
  }

  /** Frees this session's tensors, after calls in progress; the engine goes on. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await inTurn(this.engine, () => this.#tensors.free());
  }

  /** Runs `work` after every earlier call on this engine. */
  #exclusive<T>(work: () => Promise<T>, options: { readonly evenTorn?: boolean } = {}): Promise<T> {
    return inTurn(this.engine, () => {
      if (this.#disposed) throw new ModelStateError('The session was disposed; create a new one.');
      if (this.#torn && options.evenTorn !== true) {
        throw new ModelStateError('A training step failed midway; restore the last snapshot first.');
      }
      return work();
    });
  }

  #load(state: ModelState): void {
    if (!Number.isInteger(state.step) || state.step < 0) {
      throw new ModelStateError(`step must be a whole number, got ${state.step}`);
    }
    const groups = [
      { prefix: '', tensors: state.parameters, what: 'parameters' },
      { prefix: 'optimizer.m.', tensors: state.m, what: 'first moments' },
      { prefix: 'optimizer.v.', tensors: state.v, what: 'second moments' },
    ];
    for (const { tensors, what } of groups) checkTensors(this.config, tensors, what);
    const writes = groups.flatMap(({ prefix, tensors }) =>
      parameterSpecs(this.config).map(({ name, shape }) => ({
        name: prefix + name,
        shape,
        data: canonicalCopy(tensors.get(name) ?? [], prefix + name),
      })),
    );
    for (const { name, shape, data } of writes) this.#tensors.put(name, shape, data);
    this.#step = state.step;
    this.#torn = false;
  }
}
