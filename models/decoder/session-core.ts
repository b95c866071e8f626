/**
 * What every session needs: tensors on an engine, turns on that engine, scoring, and AdamW steps with their
 * state. A session composes it with its own weights.
 */
import type { Engine } from '../../compute/engines/engine.ts';
import { DEFAULT_OPTIMIZER, type OptimizerOptions } from './adamw.ts';
import type { DecoderConfig, ParameterSpec } from './config.ts';
import { DEFAULT_POLICY, type PolicyOptions, scoreProgram, trainingProgram } from './decoder.ts';
import { queueOf } from './engine-queue.ts';
import type { WeightPlan } from './forward.ts';
import { type GenerateOptions, type Generation, generate } from './generate.ts';
import { HyperSchedule } from './hyper.ts';
import { checkBatch, type SequenceBatch } from './inputs.ts';
import { modelRopeTables } from './rope.ts';
import { canonicalCopy, ModelStateError, type NamedTensors, tensorNamed } from './state.ts';
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

export interface SessionCoreOptions {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  /** Defaults to DEFAULT_OPTIMIZER. */
  readonly optimizer?: OptimizerOptions;
  /** Defaults to DEFAULT_POLICY. */
  readonly policy?: PolicyOptions;
  /** Bytes for the caches and temporaries of rows that decode together. Defaults to 512 MiB. */
  readonly generationMemory?: number;
}

/** The tensors that training changes, with AdamW's moments. */
export interface TrainedState {
  readonly values: NamedTensors;
  /** First moments. */
  readonly m: NamedTensors;
  /** Second moments. */
  readonly v: NamedTensors;
  /** Optimizer steps taken. */
  readonly step: number;
}

/** The groups of a trained state: the prefix of their tensors' names, and a name for error messages. */
const GROUPS = [
  { key: 'values', prefix: '', what: undefined },
  { key: 'm', prefix: 'optimizer.m.', what: 'first moments' },
  { key: 'v', prefix: 'optimizer.v.', what: 'second moments' },
] as const;

/** The names of trained tensors on the engine and in checkpoints, moments included. */
export function trainedNames(specs: readonly ParameterSpec[]): readonly string[] {
  return GROUPS.flatMap(({ prefix }) => specs.map(({ name }) => prefix + name));
}

/**
 * Throws ModelStateError unless `check` accepts each group of tensors and the step is a whole number. `what`
 * names the values in error messages.
 */
export function checkTrainedState(
  state: TrainedState,
  what: string,
  check: (tensors: NamedTensors, what: string) => void,
): void {
  if (!Number.isInteger(state.step) || state.step < 0) {
    throw new ModelStateError(`step must be a whole number, got ${state.step}`);
  }
  for (const group of GROUPS) check(state[group.key], group.what ?? what);
}

export class SessionCore {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  readonly tensors: TensorStore;
  readonly #generationMemory: number | undefined;
  readonly #optimizer: OptimizerOptions;
  readonly #policy: PolicyOptions;
  readonly #hyper: HyperSchedule;
  #steps = 0;
  #disposed = false;
  /** A step failed midway: the trained tensors are neither those before it nor those after it. */
  #inconsistent = false;

  constructor(options: SessionCoreOptions) {
    const { engine, config, optimizer = DEFAULT_OPTIMIZER, policy = DEFAULT_POLICY } = options;
    this.engine = engine;
    this.config = config;
    this.tensors = new TensorStore(engine);
    this.#generationMemory = options.generationMemory;
    this.#optimizer = optimizer;
    this.#policy = policy;
    this.#hyper = new HyperSchedule(optimizer);
  }

  /** Optimizer steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Runs `work` after every earlier call on this engine. Rejects with ModelStateError when the session was
   * disposed, or when a failed step has left it inconsistent, unless `evenInconsistent`.
   */
  exclusive<T>(work: () => Promise<T>, options: { readonly evenInconsistent?: boolean } = {}): Promise<T> {
    return queueOf(this.engine).run(() => {
      if (this.#disposed) throw new ModelStateError('The session was disposed; create a new one.');
      if (this.#inconsistent && options.evenInconsistent !== true) {
        throw new ModelStateError('A training step failed midway; restore the last snapshot first.');
      }
      return work();
    });
  }

  /** Writes the rotary tables of the model to the engine. */
  putRopeTables(): void {
    const { context, headDim } = this.config;
    const tables = modelRopeTables(this.config, context);
    this.tensors.put('rope.cos', [context, headDim / 2], tables.cos);
    this.tensors.put('rope.sin', [context, headDim / 2], tables.sin);
  }

  /** Samples a continuation of each prompt. Must run inside `exclusive`. */
  generate(options: GenerateOptions, plan?: WeightPlan): Promise<Generation[]> {
    return generate(this.config, this.tensors, { memory: this.#generationMemory, ...options }, plan);
  }

  /** Log-probability of each target, [batch * length], canonical f32. Waits for earlier calls. */
  score(
    batch: SequenceBatch,
    plan: WeightPlan | undefined,
    options: { readonly signal?: AbortSignal },
  ): Promise<Float32Array> {
    return this.exclusive(async () => {
      checkBatch(this.config, batch);
      const program = this.tensors.program(`score ${batch.batch} ${batch.length}`, () =>
        scoreProgram(this.config, batch, plan),
      );
      writeSequences(program, batch);
      await program.run(options);
      return await program.floats('logprobs');
    });
  }

  /**
   * One AdamW step. Must run inside `exclusive`. When it fails midway, only `load` makes the session usable
   * again.
   */
  async step(
    batch: TrainingBatch,
    options: { readonly plan?: WeightPlan; readonly recompute?: boolean } = {},
  ): Promise<StepResult> {
    checkTraining(this.config, batch);
    const objective = objectiveOf(batch);
    const program = this.tensors.program(`train ${objective} ${batch.batch} ${batch.length}`, () =>
      trainingProgram(this.config, {
        batch: batch.batch,
        length: batch.length,
        objective,
        optimizer: this.#optimizer,
        policy: this.#policy,
        plan: options.plan,
        recompute: options.recompute,
      }),
    );
    writeTraining(program, batch, this.#hyper.at(this.#steps + 1, batch.learningRate));
    this.#inconsistent = true;
    const result = await runTraining(program);
    this.#inconsistent = false;
    this.#steps += 1;
    return { ...result, step: this.#steps };
  }

  /** A copy of the trained tensors, their moments and the step. Must run inside `exclusive`. */
  async snapshot(specs: readonly ParameterSpec[]): Promise<TrainedState> {
    const copy = async (prefix: string) => {
      const out = new Map<string, Float32Array>();
      for (const { name } of specs) out.set(name, await this.tensors.read(prefix + name));
      return out;
    };
    return {
      values: await copy(''),
      m: await copy('optimizer.m.'),
      v: await copy('optimizer.v.'),
      step: this.#steps,
    };
  }

  /** Writes a checked state to the engine, canonicalised. Throws ModelStateError on NaN, changing nothing. */
  load(specs: readonly ParameterSpec[], state: TrainedState): void {
    const writes = GROUPS.flatMap(({ key, prefix }) =>
      specs.map(({ name, shape }) => ({
        name: prefix + name,
        shape,
        data: canonicalCopy(tensorNamed(state[key], name), prefix + name),
      })),
    );
    for (const { name, shape, data } of writes) this.tensors.put(name, shape, data);
    this.#steps = state.step;
    this.#inconsistent = false;
  }

  /** Frees the trained tensors and their moments, and resets the step. */
  unload(specs: readonly ParameterSpec[]): void {
    this.tensors.remove(trainedNames(specs));
    this.#steps = 0;
    this.#inconsistent = false;
  }

  /** Frees this session's tensors after the calls in progress. The caller stops the engine. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await queueOf(this.engine).run(() => this.tensors.free());
  }
}
