/** A model living on an engine: samples, scores and trains. One session owns its tensors; the engine may be shared. */
import type { Engine, Tensor } from '../engines/engine.ts';
import { canon } from '../repops/arithmetic.ts';
import { type DType, elementCount, type Program, type TensorSpec } from '../repops/program.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import {
  type BatchShape,
  DEFAULT_OPTIMIZER,
  DEFAULT_POLICY,
  decodeProgram,
  type OptimizerOptions,
  type PolicyOptions,
  scoreProgram,
  trainingProgram,
} from './decoder.ts';
import { HyperSchedule } from './hyper.ts';
import { ropeTables } from './rope.ts';
import {
  canonicalCopy,
  checkTensors,
  freshState,
  type ModelState,
  ModelStateError,
  type NamedTensors,
} from './state.ts';

export class ModelInputError extends Error {
  override readonly name = 'ModelInputError';
}

export interface SessionOptions {
  readonly engine: Engine;
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly optimizer?: OptimizerOptions;
  readonly policy?: PolicyOptions;
}

export interface GenerateOptions {
  /** Token ids, one prompt a row, each at least one token. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  /** Drawn, it ends a row and is the row's last token. */
  readonly endToken: number;
  /** In [0, 1): the draw for token `position` (0 is the first new one) of row `row`. Not called when greedy. */
  readonly uniform: (row: number, position: number) => number;
  /** 1 unless given. */
  readonly temperature?: number;
  readonly greedy?: boolean;
  /**
   * Rows that decode together, at least the number of prompts, which is rounded up to a multiple of 8 when this is absent.
   * More rows are padding and change no bit of the result.
   */
  readonly batch?: number;
  readonly signal?: AbortSignal;
}

export interface Generation {
  /** New tokens, end token included when it was drawn. */
  readonly tokens: readonly number[];
  /** Canonical f32 log-probability of each at the sampling temperature. */
  readonly logprobs: readonly number[];
}

/** Rows of `length` tokens, row-major; row b position i is element b * length + i. */
export interface SequenceBatch extends BatchShape {
  readonly tokens: ArrayLike<number>;
  /** The token that should follow; any valid id where it does not matter. */
  readonly targets: ArrayLike<number>;
}

export interface TrainingBatch extends SequenceBatch {
  /** Per token; the loss is minus the weighted sum of log-probabilities. 0 leaves a token out. */
  readonly weights: ArrayLike<number>;
  readonly learningRate: number;
  /** Given, the clipped policy objective is trained instead of plain likelihood. Both per token. */
  readonly policy?: {
    readonly advantages: ArrayLike<number>;
    readonly oldLogprobs: ArrayLike<number>;
  };
}

export interface StepResult {
  readonly loss: number;
  /** 1, or less where the gradient norm was above the limit. */
  readonly clip: number;
  /** Log-probability of each target before the update. */
  readonly logprobs: Float32Array;
  /** Optimizer steps taken, this one included. */
  readonly step: number;
}

/** Key/value cache rows and decoding rows come in multiples of these, so that few programs serve all sizes. */
const CACHE_STEP = 64;
const ROW_STEP = 8;
/** Programs kept, with their inputs, results and caches; beyond it the least recently used goes. */
const MAX_PROGRAMS = 24;

interface KeptProgram {
  readonly program: Program;
  /** Keys in `#scratch` of the tensors that are not state. */
  readonly scratch: readonly string[];
}

export class ModelSession {
  readonly config: DecoderConfig;
  readonly engine: Engine;
  readonly #optimizer: OptimizerOptions;
  readonly #policy: PolicyOptions;
  readonly #hyper: HyperSchedule;
  /** Least recently used first. */
  readonly #programs = new Map<string, KeptProgram>();
  /** Parameters, moments and tables by name. */
  readonly #state = new Map<string, Tensor>();
  /** Inputs, results and caches by name and size; programs of one size share them. */
  readonly #scratch = new Map<string, Tensor>();
  #step = 0;
  #disposed = false;
  /** A step failed midway: parameters are neither before nor after it. */
  #torn = false;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(options: SessionOptions) {
    this.engine = options.engine;
    this.config = options.config;
    this.#optimizer = options.optimizer ?? DEFAULT_OPTIMIZER;
    this.#policy = options.policy ?? DEFAULT_POLICY;
    this.#hyper = new HyperSchedule(this.#optimizer);
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
      const tables = ropeTables({
        positions: config.context,
        headDim: config.headDim,
        theta: config.ropeTheta,
      });
      const tableShape = [config.context, config.headDim / 2];
      session.#put('rope.cos', tableShape, 'f32', tables.cos);
      session.#put('rope.sin', tableShape, 'f32', tables.sin);
      session.#load(freshState(config, options.parameters));
    } catch (error) {
      session.#free();
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
    return this.#exclusive(() => this.#generate(options));
  }

  async #generate(options: GenerateOptions): Promise<Generation[]> {
    const { prompts, maxNewTokens, endToken, signal } = options;
    const greedy = options.greedy ?? false;
    const temperature = options.temperature ?? 1;
    if (prompts.length === 0) return [];
    const batch = options.batch ?? Math.ceil(prompts.length / ROW_STEP) * ROW_STEP;
    if (!Number.isInteger(batch) || batch < prompts.length) {
      throw new ModelInputError(`batch must be an integer of at least ${prompts.length}, got ${batch}`);
    }
    if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1) {
      throw new ModelInputError(`maxNewTokens must be a positive integer, got ${maxNewTokens}`);
    }
    if (!(temperature > 0) || !Number.isFinite(temperature)) {
      throw new ModelInputError(
        `temperature must be positive, got ${temperature}; for the best token set greedy`,
      );
    }
    const longest = Math.max(...prompts.map((prompt) => prompt.length));
    const positions = longest + maxNewTokens;
    if (positions > this.config.context) {
      throw new ModelInputError(
        `prompt and answer need ${positions} positions, the model has ${this.config.context}; shorten the prompt or maxNewTokens`,
      );
    }
    for (const prompt of prompts) {
      if (prompt.length === 0) throw new ModelInputError('a prompt must have at least one token');
      this.#checkIds(prompt, 'prompt');
    }
    const cacheLength = Math.min(this.config.context, Math.ceil(positions / CACHE_STEP) * CACHE_STEP);
    const invTemperature = canon(1 / temperature);
    const program = this.#program(`decode ${batch} ${cacheLength} ${invTemperature} ${greedy}`, () =>
      decodeProgram(this.config, { batch, cacheLength, invTemperature, greedy }),
    );
    const bindings = this.#bindings(program);
    const rows = prompts.map(() => ({ tokens: [] as number[], logprobs: [] as number[], done: false }));
    const tokens = new Uint32Array(batch).fill(prompts[0]?.[0] ?? 0);
    const uniform = new Float32Array(batch);
    for (let position = 0; position < positions - 1; position++) {
      for (const [b, prompt] of prompts.entries()) {
        const row = rows[b]!;
        if (row.done) continue;
        const drawn = position - (prompt.length - 1);
        tokens[b] = prompt[position] ?? row.tokens.at(-1) ?? 0;
        uniform[b] = drawn >= 0 && !greedy ? uniformValue(options.uniform(b, drawn)) : 0;
      }
      this.#write(bindings, 'tokens', tokens);
      this.#write(bindings, 'positions', new Uint32Array(batch).fill(position));
      this.#write(bindings, 'uniform', uniform);
      await this.engine.run(program, bindings, { signal });
      // A prompt token but the last draws nothing, so there is nothing to wait for.
      if (rows.every((row, b) => row.done || position < (prompts[b]?.length ?? 0) - 1)) continue;
      const ids = await this.#read(bindings, 'ids');
      const logprobs = await this.#read(bindings, 'logprob');
      for (const [b, prompt] of prompts.entries()) {
        const row = rows[b]!;
        if (row.done || position < prompt.length - 1) continue;
        row.tokens.push(ids[b]!);
        row.logprobs.push(logprobs[b]!);
        row.done = ids[b] === endToken || row.tokens.length >= maxNewTokens;
      }
      if (rows.every((row) => row.done)) break;
    }
    return rows.map(({ tokens, logprobs }) => ({ tokens, logprobs }));
  }

  /** Log-probability of each target, [batch * length], canonical f32. Waits for earlier calls. */
  score(batch: SequenceBatch, options: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#exclusive(async () => {
      this.#checkBatch(batch);
      const program = this.#program(`score ${batch.batch} ${batch.length}`, () =>
        scoreProgram(this.config, batch),
      );
      const bindings = this.#bindings(program);
      this.#writeSequences(bindings, batch);
      await this.engine.run(program, bindings, options);
      return (await this.#read(bindings, 'logprobs')) as Float32Array;
    });
  }

  /**
   * One AdamW step. Not abortable: it either happens or fails, and after a failure only `restore` makes the session usable
   * again (ModelStateError otherwise).
   */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#exclusive(async () => {
      this.#checkBatch(batch);
      if (!(batch.learningRate >= 0) || !Number.isFinite(batch.learningRate)) {
        throw new ModelInputError(`learningRate must be zero or positive, got ${batch.learningRate}`);
      }
      const N = batch.batch * batch.length;
      const objective = batch.policy === undefined ? 'supervised' : 'policy';
      const program = this.#program(`train ${objective} ${batch.batch} ${batch.length}`, () =>
        trainingProgram(this.config, {
          batch: batch.batch,
          length: batch.length,
          objective,
          optimizer: this.#optimizer,
          policy: this.#policy,
        }),
      );
      const bindings = this.#bindings(program);
      this.#writeSequences(bindings, batch);
      this.#write(bindings, 'weights', perToken(batch.weights, N, 'weights'));
      if (batch.policy !== undefined) {
        this.#write(bindings, 'advantages', perToken(batch.policy.advantages, N, 'advantages'));
        this.#write(bindings, 'oldLogprobs', perToken(batch.policy.oldLogprobs, N, 'oldLogprobs'));
        this.#write(bindings, 'ones', new Float32Array(N).fill(1));
      }
      this.#write(bindings, 'hyper', this.#hyper.at(this.#step + 1, batch.learningRate));
      this.#torn = true;
      await this.engine.run(program, bindings);
      const [loss, clip, logprobs] = [
        await this.#read(bindings, 'loss'),
        await this.#read(bindings, 'clip'),
        await this.#read(bindings, 'logprobs'),
      ];
      this.#torn = false;
      this.#step += 1;
      return {
        loss: loss[0] ?? 0,
        clip: clip[0] ?? 0,
        logprobs: logprobs as Float32Array,
        step: this.#step,
      };
    });
  }

  /** A copy of parameters, moments and step. */
  snapshot(): Promise<ModelState> {
    return this.#exclusive(async () => {
      const copy = async (prefix: string) => {
        const out = new Map<string, Float32Array>();
        for (const { name } of parameterSpecs(this.config)) {
          const tensor = this.#state.get(prefix + name);
          if (tensor !== undefined) out.set(name, (await this.engine.read(tensor)) as Float32Array);
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

  /** Puts a snapshot back (canonicalised). Throws ModelStateError, changing nothing, when it does not fit the model. */
  restore(state: ModelState): Promise<void> {
    return this.#exclusive(async () => this.#load(state), { evenTorn: true });
  }

  /** Frees this session's tensors, after calls in progress; the engine goes on. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#tail.catch(() => undefined);
    this.#free();
  }

  #free(): void {
    for (const tensors of [this.#state, this.#scratch]) {
      for (const tensor of tensors.values()) this.engine.free(tensor);
      tensors.clear();
    }
    this.#programs.clear();
  }

  /** Runs calls one after another: an engine takes one run at a time. */
  #exclusive<T>(work: () => Promise<T>, options: { readonly evenTorn?: boolean } = {}): Promise<T> {
    const result = this.#tail.then(() => {
      if (this.#disposed) throw new ModelStateError('The session was disposed; create a new one.');
      if (this.#torn && options.evenTorn !== true) {
        throw new ModelStateError('A training step failed midway; restore the last snapshot first.');
      }
      return work();
    });
    this.#tail = result.catch(() => undefined);
    return result;
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
    for (const { name, shape, data } of writes) this.#put(name, shape, 'f32', data);
    this.#step = state.step;
    this.#torn = false;
  }

  #put(name: string, shape: readonly number[], dtype: DType, data: Float32Array | Uint32Array): void {
    let tensor = this.#state.get(name);
    if (tensor === undefined) {
      tensor = this.engine.allocate(shape, dtype);
      this.#state.set(name, tensor);
    }
    this.engine.write(tensor, data);
  }

  #program(key: string, make: () => Program): Program {
    const kept = this.#programs.get(key) ?? keep(make(), this.#state);
    this.#programs.delete(key);
    this.#programs.set(key, kept);
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > MAX_PROGRAMS && oldest !== undefined) {
      this.#programs.delete(oldest);
      const used = new Set([...this.#programs.values()].flatMap(({ scratch }) => scratch));
      for (const [name, tensor] of this.#scratch) {
        if (used.has(name)) continue;
        this.#scratch.delete(name);
        this.engine.free(tensor);
      }
    }
    return kept.program;
  }

  /** A tensor for each bound name: state by its name, anything else by its name and size. */
  #bindings(program: Program): Record<string, Tensor> {
    const bindings: Record<string, Tensor> = {};
    for (const [name, spec] of Object.entries(program.tensors)) {
      if (spec.storage !== 'bound') continue;
      const key = scratchKey(name, spec);
      let tensor = this.#state.get(name) ?? this.#scratch.get(key);
      if (tensor === undefined) {
        tensor = this.engine.allocate(spec.shape, spec.dtype);
        this.#scratch.set(key, tensor);
      }
      bindings[name] = tensor;
    }
    return bindings;
  }

  #write(bindings: Record<string, Tensor>, name: string, data: Float32Array | Uint32Array): void {
    const tensor = bindings[name];
    if (tensor === undefined) throw new ModelStateError(`the program binds no tensor ${name}`);
    this.engine.write(tensor, data);
  }

  async #read(bindings: Record<string, Tensor>, name: string): Promise<Float32Array | Uint32Array> {
    const tensor = bindings[name];
    if (tensor === undefined) throw new ModelStateError(`the program binds no tensor ${name}`);
    return this.engine.read(tensor);
  }

  #writeSequences(bindings: Record<string, Tensor>, batch: SequenceBatch): void {
    const N = batch.batch * batch.length;
    this.#write(bindings, 'tokens', Uint32Array.from(batch.tokens));
    this.#write(bindings, 'targets', Uint32Array.from(batch.targets));
    this.#write(
      bindings,
      'positions',
      Uint32Array.from({ length: N }, (_, i) => i % batch.length),
    );
  }

  #checkBatch(batch: SequenceBatch): void {
    const { batch: rows, length } = batch;
    if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(length) || length < 1) {
      throw new ModelInputError(`batch and length must be positive integers, got ${rows} and ${length}`);
    }
    if (length > this.config.context) {
      throw new ModelInputError(
        `sequences of ${length} exceed the model's context of ${this.config.context}`,
      );
    }
    for (const name of ['tokens', 'targets'] as const) {
      if (batch[name].length !== rows * length) {
        throw new ModelInputError(
          `${name} must hold batch x length = ${rows * length} ids, got ${batch[name].length}`,
        );
      }
      this.#checkIds(batch[name], name);
    }
  }

  #checkIds(ids: ArrayLike<number>, what: string): void {
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (!Number.isInteger(id) || id < 0 || id >= this.config.vocabulary) {
        throw new ModelInputError(
          `${what}: ${id} at ${i} is not a token id below ${this.config.vocabulary}; use the model's tokenizer`,
        );
      }
    }
  }
}

function scratchKey(name: string, spec: TensorSpec): string {
  return `${name} ${elementCount(spec.shape)}`;
}

function keep(program: Program, state: ReadonlyMap<string, Tensor>): KeptProgram {
  const bound = Object.entries(program.tensors).filter(([, spec]) => spec.storage === 'bound');
  const scratch = bound.filter(([name]) => !state.has(name)).map(([name, spec]) => scratchKey(name, spec));
  return { program, scratch };
}

function perToken(values: ArrayLike<number>, count: number, what: string): Float32Array {
  if (values.length !== count) {
    throw new ModelInputError(`${what} must hold ${count} values, got ${values.length}`);
  }
  return Float32Array.from(values, (value, i) => {
    if (!Number.isFinite(value)) throw new ModelInputError(`${what} is ${value} at ${i}; it must be finite`);
    return canon(value);
  });
}

function uniformValue(value: number): number {
  if (!(value >= 0 && value < 1)) {
    throw new ModelInputError(`uniform must give a number in [0, 1), got ${value}`);
  }
  return canon(value);
}
