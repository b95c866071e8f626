/**
 * A published model on an engine, its matrices frozen in bf16: generates, scores, and trains adapters beside them (LoRA). A
 * session owns its tensors; sessions that share an engine take turns.
 */

import type { Engine } from '../../compute/engines/engine.ts';
import type { KnownRoots } from '../checkpoint/root.ts';
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
import { parameterDType, type WeightPlan } from './forward.ts';
import { type GenerateOptions, type Generation, generate } from './generate.ts';
import { HyperSchedule } from './hyper.ts';
import { checkBatch, ModelInputError, type SequenceBatch } from './inputs.ts';
import { adapterSpecs, checkLora, type LoraOptions } from './lora/adapters.ts';
import { type AdapterState, checkAdapters, freshAdapterState } from './lora/state.ts';
import { modelRopeTables } from './rope.ts';
import { canonicalCopy, ModelStateError, type NamedTensors } from './state.ts';
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
import type { WeightSource } from './weights.ts';

export interface FrozenSessionOptions {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  readonly weights: WeightSource;
  /** Given, `step` trains these adapters (`initialAdapters` makes fresh ones). */
  readonly lora?: LoraOptions & { readonly adapters: NamedTensors };
  /** Positions that a sequence may have; at most and by default the model's context. Fewer make smaller rotary tables. */
  readonly positions?: number;
  /** Keeps less for the backward pass by computing layers again: the same bits, about a third more work. */
  readonly recompute?: boolean;
  readonly optimizer?: OptimizerOptions;
  readonly policy?: PolicyOptions;
  readonly onProgress?: (progress: { readonly tensors: number; readonly of: number }) => void;
  readonly signal?: AbortSignal;
}

/** The weights alone. */
const BARE: WeightPlan = { frozen: true };

function planOf({ rank, alpha, targets }: LoraOptions): WeightPlan {
  return { frozen: true, lora: { rank, alpha, targets } };
}

export class FrozenSession {
  /** The model's, with the context cut down to `positions`. */
  readonly config: DecoderConfig;
  readonly engine: Engine;
  #plan: WeightPlan;
  readonly #options: FrozenSessionOptions;
  readonly #optimizer: OptimizerOptions;
  readonly #hyper: HyperSchedule;
  readonly #tensors: TensorStore;
  #step = 0;
  #disposed = false;
  #torn = false;
  #recompute: boolean;
  /** Whether the programs that are kept are those without adapters. */
  #bare = false;

  private constructor(options: FrozenSessionOptions) {
    const { engine, config, lora } = options;
    this.engine = engine;
    this.config = { ...config, context: Math.min(config.context, options.positions ?? config.context) };
    this.#options = options;
    this.#recompute = options.recompute ?? false;
    this.#optimizer = options.optimizer ?? DEFAULT_OPTIMIZER;
    this.#hyper = new HyperSchedule(this.#optimizer);
    this.#tensors = new TensorStore(engine);
    this.#plan = lora === undefined ? BARE : planOf(lora);
  }

  /**
   * Brings the weights to the engine one tensor at a time. Throws what `weights` throws, ModelStateError or LoraError for
   * adapters that do not fit, EngineMemoryError when the device refuses, or the signal's reason; nothing stays behind then.
   */
  static async create(options: FrozenSessionOptions): Promise<FrozenSession> {
    const { positions = 1, lora, signal } = options;
    if (!Number.isInteger(positions) || positions < 1) {
      throw new ModelInputError(`positions must be a positive integer, got ${positions}`);
    }
    if (lora !== undefined) checkLora(lora);
    const session = new FrozenSession(options);
    try {
      const { config } = session;
      const tables = modelRopeTables(config, config.context);
      const tableShape = [config.context, config.headDim / 2];
      session.#tensors.put('rope.cos', tableShape, tables.cos);
      session.#tensors.put('rope.sin', tableShape, tables.sin);
      const specs = parameterSpecs(config);
      for (const [index, { name, shape }] of specs.entries()) {
        signal?.throwIfAborted();
        const half = parameterDType(session.#plan, shape) === 'bf16';
        const values = half
          ? await options.weights.bfloat16(name, signal)
          : canonicalCopy(await options.weights.float32(name, signal), name);
        session.#tensors.put(name, shape, values);
        options.onProgress?.({ tensors: index + 1, of: specs.length });
      }
      if (lora !== undefined) session.#load(freshAdapterState(config, lora, lora.adapters));
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

  /**
   * Samples a continuation of each prompt, with the adapters unless `bare`. Waits for earlier calls. Throws ModelInputError on
   * input out of range.
   */
  generate(options: GenerateOptions & { readonly bare?: boolean }): Promise<Generation[]> {
    return this.#exclusive(() => {
      const bare = options.bare === true;
      // Programs are kept by their sizes, and those with adapters have the same sizes as those without.
      if (bare !== this.#bare) this.#tensors.release();
      this.#bare = bare;
      return generate(this.config, this.#tensors, options, bare ? BARE : this.#plan);
    });
  }

  /**
   * Puts adapters beside the weights, in place of any that were there, with their moments and step. `recompute` as at
   * creation, and as before unless given. Waits for earlier calls. Throws
   * LoraError or ModelStateError, changing nothing, when they do not fit; after NaN in them or EngineMemoryError there are none.
   */
  adapt(
    lora: LoraOptions,
    state: AdapterState,
    options: { readonly recompute?: boolean } = {},
  ): Promise<void> {
    return this.#exclusive(
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
      { evenTorn: true },
    );
  }

  /** Frees inputs, results and caches of earlier calls, so that only one kind of call's are held. Waits for earlier calls. */
  release(): Promise<void> {
    return this.#exclusive(async () => this.#tensors.release(), { evenTorn: true });
  }

  /** Log-probability of each target, [batch * length], canonical f32. Waits for earlier calls. */
  score(batch: SequenceBatch, options: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#exclusive(async () => {
      checkBatch(this.config, batch);
      const program = this.#tensors.program(`score ${batch.batch} ${batch.length}`, () =>
        scoreProgram(this.config, batch, this.#plan),
      );
      writeSequences(program, batch);
      await program.run(options);
      return await program.floats('logprobs');
    });
  }

  /** Merkle root of each frozen matrix by name, computed on the engine where it can. Waits for earlier calls. */
  matrixRoots(): Promise<KnownRoots> {
    return this.#exclusive(() => {
      const matrices = parameterSpecs(this.config).filter(
        ({ shape }) => parameterDType(BARE, shape) === 'bf16',
      );
      return this.#tensors.roots(matrices.map(({ name }) => name));
    });
  }

  /** One AdamW step of the adapters. Not abortable; after a failure only `restore` makes the session usable again. */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#exclusive(async () => {
      this.#adapters();
      checkTraining(this.config, batch);
      const objective = objectiveOf(batch);
      const program = this.#tensors.program(`train ${objective} ${batch.batch} ${batch.length}`, () =>
        trainingProgram(this.config, {
          batch: batch.batch,
          length: batch.length,
          objective,
          optimizer: this.#optimizer,
          policy: this.#options.policy ?? DEFAULT_POLICY,
          plan: this.#plan,
          recompute: this.#recompute,
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

  /** A copy of adapters, moments and step. */
  snapshot(): Promise<AdapterState> {
    return this.#exclusive(async () => {
      const specs = adapterSpecs(this.config, this.#adapters());
      const copy = async (prefix: string) => {
        const out = new Map<string, Float32Array>();
        for (const { name } of specs) out.set(name, await this.#tensors.read(prefix + name));
        return out;
      };
      return {
        adapters: await copy(''),
        m: await copy('optimizer.m.'),
        v: await copy('optimizer.v.'),
        step: this.#step,
      };
    });
  }

  /** Puts a snapshot back (canonicalised). Throws ModelStateError, changing nothing, when it does not fit the model. */
  restore(state: AdapterState): Promise<void> {
    return this.#exclusive(async () => this.#load(state), { evenTorn: true });
  }

  /** Frees this session's tensors, after calls in progress; the engine goes on. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await inTurn(this.engine, () => this.#tensors.free());
  }

  #adapters(): LoraOptions {
    const { lora } = this.#plan;
    if (lora === undefined)
      throw new ModelStateError('This session has no adapters; create one with `lora`.');
    return lora;
  }

  #dropAdapters(): void {
    const { lora } = this.#plan;
    const names = lora === undefined ? [] : adapterSpecs(this.config, lora).map(({ name }) => name);
    this.#tensors.remove(GROUPS.flatMap(({ prefix }) => names.map((name) => prefix + name)));
    this.#plan = BARE;
    this.#step = 0;
    this.#torn = false;
  }

  #exclusive<T>(work: () => Promise<T>, options: { readonly evenTorn?: boolean } = {}): Promise<T> {
    return inTurn(this.engine, () => {
      if (this.#disposed) throw new ModelStateError('The session was disposed; create a new one.');
      if (this.#torn && options.evenTorn !== true) {
        throw new ModelStateError('A training step failed midway; restore the last snapshot first.');
      }
      return work();
    });
  }

  #load(state: AdapterState): void {
    const lora = this.#adapters();
    checkState(this.config, lora, state);
    const writes = GROUPS.flatMap(({ prefix, key }) =>
      adapterSpecs(this.config, lora).map(({ name, shape }) => ({
        name: prefix + name,
        shape,
        data: canonicalCopy(state[key].get(name) ?? [], prefix + name),
      })),
    );
    for (const { name, shape, data } of writes) this.#tensors.put(name, shape, data);
    this.#step = state.step;
    this.#torn = false;
  }
}

const GROUPS = [
  { prefix: '', key: 'adapters', what: 'adapters' },
  { prefix: 'optimizer.m.', key: 'm', what: 'first moments' },
  { prefix: 'optimizer.v.', key: 'v', what: 'second moments' },
] as const;

function checkState(config: DecoderConfig, lora: LoraOptions, state: AdapterState): void {
  if (!Number.isInteger(state.step) || state.step < 0) {
    throw new ModelStateError(`step must be a whole number, got ${state.step}`);
  }
  for (const { key, what } of GROUPS) checkAdapters(config, lora, state[key], what);
}
