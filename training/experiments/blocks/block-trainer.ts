/**
 * Trains a model in blocks on one engine, for experiments: the programs of models/blocks, whose tensors stay
 * on the engine between hops. The bits are those of hops on devices of their own.
 */
import type { Engine, Tensor } from '../../../compute/engines/engine.ts';
import type { TensorData } from '../../../compute/engines/tensor-data.ts';
import type { Program } from '../../../compute/repops/program.ts';
import type { RecipeTensor } from '../../../compute/repops/recipe.ts';
import { type BlockPath, type BlockPlan, layerBlocks } from '../../../models/blocks/block-plan.ts';
import { type BlockStep, blockStep } from '../../../models/blocks/block-step.ts';
import type { Boundary } from '../../../models/blocks/boundary.ts';
import type { OptimizerOptions } from '../../../models/decoder/adamw.ts';
import { parameterSpecs } from '../../../models/decoder/config.ts';
import { scoreProgram } from '../../../models/decoder/decoder.ts';
import { HyperSchedule } from '../../../models/decoder/hyper.ts';
import { modelRopeTables } from '../../../models/decoder/rope.ts';
import type { NamedTensors } from '../../../models/decoder/state.ts';
import { must } from '../../../protocol/must.ts';
import { type RepairRecord, rateFactor, stepsOfMoments } from '../../groups/repair.ts';
import { rowsOf, type Windows } from './lesson-text.ts';

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new RangeError(`There is no tensor ${name}.`);
  return value;
}

const MOMENTS = ['optimizer.m.', 'optimizer.v.'] as const;

export interface BlockTrainerOptions {
  readonly engine: Engine;
  readonly plan: BlockPlan;
  readonly optimizer: OptimizerOptions;
  /** How what passes between two blocks is rounded in training. Defaults to f32: not at all. */
  readonly boundary?: Boundary;
  /** Parameters, and everything else that is kept: moments default to zero. */
  readonly tensors: NamedTensors;
}

export interface TrainStep {
  /** Divided over the paths, in order and equally. */
  readonly windows: Windows;
  /** One for each microbatch. */
  readonly paths: readonly BlockPath[];
  readonly learningRate: number;
  /** Steps taken before. */
  readonly step: number;
  /** Repairs of blocks so far. Defaults to none. */
  readonly repairs?: readonly RepairRecord[];
}

export class BlockTrainer {
  readonly #engine: Engine;
  readonly #plan: BlockPlan;
  readonly #optimizer: OptimizerOptions;
  readonly #boundary: Boundary;
  readonly #state = new Map<string, Tensor>();
  readonly #fixed = new Map<string, Tensor>();
  readonly #steps = new Map<string, BlockStep>();
  readonly #scores = new Map<string, Program>();

  constructor({ engine, plan, optimizer, boundary = 'f32', tensors }: BlockTrainerOptions) {
    this.#engine = engine;
    this.#plan = plan;
    this.#optimizer = optimizer;
    this.#boundary = boundary;
    for (const { name, shape } of parameterSpecs(plan.config)) {
      for (const prefix of ['', ...MOMENTS]) this.#put(prefix + name, shape, tensors.get(prefix + name));
    }
    const { cos, sin } = modelRopeTables(plan.config, plan.config.context);
    const table = [plan.config.context, plan.config.headDim / 2];
    this.#put('rope.cos', table, cos);
    this.#put('rope.sin', table, sin);
  }

  #put(name: string, shape: readonly number[], data: TensorData | undefined): Tensor {
    const tensor = this.#state.get(name) ?? this.#engine.allocate(shape, 'f32');
    this.#state.set(name, tensor);
    if (data !== undefined) this.#engine.write(tensor, data);
    return tensor;
  }

  /** One optimizer step. Resolves with the mean loss, and the sums of squares of the gradients by tensor. */
  async step(
    o: TrainStep,
  ): Promise<{ readonly loss: number; readonly squares: ReadonlyMap<string, number> }> {
    const { windows, paths } = o;
    const step = this.#stepOf(paths, windows);
    const rows = windows.rows / paths.length;
    const engine = this.#engine;
    const owned = new Map<string, Tensor>();
    const give = (
      name: string,
      { shape, dtype }: Pick<RecipeTensor, 'shape' | 'dtype'>,
      data?: TensorData,
    ) => {
      const tensor = owned.get(name) ?? engine.allocate(shape, dtype);
      owned.set(name, tensor);
      if (data !== undefined) engine.write(tensor, data);
      return tensor;
    };
    const weight = Math.fround(1 / (windows.rows * windows.length));
    for (let m = 0; m < paths.length; m++) {
      const part = rowsOf(windows, m * rows, rows);
      const N = rows * windows.length;
      give(`tokens.${m}`, { shape: [N], dtype: 'u32' }, part.tokens);
      give(`targets.${m}`, { shape: [N], dtype: 'u32' }, part.targets);
      give(`weights.${m}`, { shape: [N], dtype: 'f32' }, new Float32Array(N).fill(weight));
    }
    const last = lastUses(step);
    for (const [index, action] of step.recipe.actions.entries()) {
      const hop = must(step.hops, index);
      if (action.kind !== 'run') throw new RangeError(`Action ${index} is no hop.`);
      if (hop.kind === 'update') give('hyper', { shape: [3], dtype: 'f32' }, this.#hyperOf(hop.block, o));
      const bindings = Object.fromEntries(
        Object.entries(action.bindings).map(([name, tensor]) => {
          const known = present(step.recipe.tensors.get(tensor), tensor);
          return [name, this.#held(tensor, known) ?? give(tensor, known)];
        }),
      );
      await engine.run(action.program, bindings);
      for (const name of last[index] ?? []) {
        const tensor = owned.get(name);
        if (tensor === undefined) continue;
        engine.free(tensor);
        owned.delete(name);
      }
    }
    let loss = 0;
    for (let m = 0; m < paths.length; m++)
      loss += await this.#number(present(owned.get(`loss.${m}`), 'loss'));
    const squares = new Map<string, number>();
    for (const { name } of parameterSpecs(this.#plan.config)) {
      squares.set(name, await this.#number(present(owned.get(`norm.${name}`), name)));
    }
    for (const tensor of owned.values()) engine.free(tensor);
    return { loss, squares };
  }

  /** The tensor of state or of a table, which stay between steps. */
  #held(name: string, { shape, dtype, source }: RecipeTensor): Tensor | undefined {
    const state = this.#state.get(name);
    if (state !== undefined || source.kind !== 'fixed') return state;
    const key = `${name} ${shape.join(' ')}`;
    const known = this.#fixed.get(key);
    if (known !== undefined) return known;
    const tensor = this.#engine.allocate(shape, dtype);
    this.#engine.write(tensor, source.words);
    this.#fixed.set(key, tensor);
    return tensor;
  }

  #stepOf(paths: readonly BlockPath[], { rows, length }: Windows): BlockStep {
    const key = JSON.stringify([paths, rows, length]);
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const step = blockStep({
      plan: this.#plan,
      microbatches: { count: paths.length, batch: rows / paths.length, length },
      paths,
      optimizer: this.#optimizer,
      boundary: this.#boundary,
    });
    // Paths that change with each step would fill the memory.
    this.#steps.clear();
    this.#steps.set(key, step);
    return step;
  }

  #hyperOf(block: string, { learningRate, step, repairs = [] }: TrainStep): Float32Array {
    const stage = layerBlocks(this.#plan).findIndex(({ id }) => id === block) + 1;
    const taken = stepsOfMoments(repairs, stage, step);
    const factor = rateFactor(repairs, stage);
    return new HyperSchedule(this.#optimizer).at(taken + 1, learningRate * factor);
  }

  async #number(tensor: Tensor): Promise<number> {
    return must(await this.#engine.read(tensor), 0);
  }

  /**
   * Runs a program in place on the kept tensors. Tensors that it names and that are not kept yet become kept
   * ones, zero unless `data` has them.
   */
  async run(program: Program, data: Readonly<Record<string, TensorData>> = {}): Promise<void> {
    const bindings: Record<string, Tensor> = {};
    for (const [name, { shape, storage }] of Object.entries(program.tensors)) {
      if (storage === 'bound') bindings[name] = this.#put(name, shape, data[name]);
    }
    await this.#engine.run(program, bindings);
  }

  /** Keeps one more tensor, of the shape of a vector. Programs may give it another shape of that size. */
  keep(name: string, data: Float32Array): void {
    this.#put(name, [data.length], data);
  }

  /** Mean of minus the log-probability of the targets, through the stages of a path alone. */
  async score(windows: Windows, path: BlockPath, rowsAtOnce: number): Promise<number> {
    const layers = path.flatMap((stage) => must(layerBlocks(this.#plan), stage - 1).layers);
    let total = 0;
    for (let first = 0; first < windows.rows; first += rowsAtOnce) {
      const part = rowsOf(windows, first, Math.min(rowsAtOnce, windows.rows - first));
      total += await this.#scorePart(part, layers);
    }
    return -total / (windows.rows * windows.length);
  }

  async #scorePart({ rows, length, tokens, targets }: Windows, layers: readonly number[]): Promise<number> {
    const key = `${layers.length} ${rows} ${length}`;
    const config = { ...this.#plan.config, layers: layers.length };
    const program = this.#scores.get(key) ?? scoreProgram(config, { batch: rows, length });
    this.#scores.set(key, program);
    const N = rows * length;
    const given: Readonly<Record<string, Uint32Array>> = {
      ...{ tokens, targets },
      positions: Uint32Array.from({ length: N }, (_, i) => i % length),
    };
    const owned: Tensor[] = [];
    const bindings: Record<string, Tensor> = {};
    for (const [name, { shape, dtype, storage }] of Object.entries(program.tensors)) {
      if (storage !== 'bound') continue;
      const kept = this.#state.get(
        name.replace(/(?<=^model\.layers\.)\d+/, (layer) => String(layers[Number(layer)])),
      );
      const tensor = kept ?? this.#engine.allocate(shape, dtype);
      bindings[name] = tensor;
      if (kept === undefined) owned.push(tensor);
      const data = given[name];
      if (data !== undefined) this.#engine.write(tensor, data);
    }
    await this.#engine.run(program, bindings);
    const logprobs = await this.#engine.read(present(bindings.logprobs, 'logprobs'));
    for (const tensor of owned) this.#engine.free(tensor);
    let sum = 0;
    for (const logprob of logprobs) sum += logprob;
    return sum;
  }

  /** A copy of every kept tensor but the tables. */
  async snapshot(): Promise<Map<string, Float32Array>> {
    const tensors = new Map<string, Float32Array>();
    for (const [name, tensor] of this.#state) {
      if (!name.startsWith('rope.')) tensors.set(name, await this.#floats(tensor));
    }
    return tensors;
  }

  /** A copy of the parameters. */
  async parameters(): Promise<Map<string, Float32Array>> {
    const tensors = new Map<string, Float32Array>();
    for (const { name } of parameterSpecs(this.#plan.config)) {
      tensors.set(name, await this.#floats(present(this.#state.get(name), name)));
    }
    return tensors;
  }

  async #floats(tensor: Tensor): Promise<Float32Array> {
    const data = await this.#engine.read(tensor);
    if (data instanceof Float32Array) return data;
    throw new TypeError('A kept tensor is f32.');
  }

  /** Frees every tensor. The caller stops the engine. */
  dispose(): void {
    for (const tensor of [...this.#state.values(), ...this.#fixed.values()]) this.#engine.free(tensor);
    this.#state.clear();
    this.#fixed.clear();
  }
}

/** For each action, the tensors that nothing reads after it. Losses and norms stay. */
function lastUses({ recipe }: BlockStep): readonly (readonly string[])[] {
  const last = new Map<string, number>();
  for (const [index, action] of recipe.actions.entries()) {
    if (action.kind !== 'run') continue;
    for (const name of Object.values(action.bindings)) last.set(name, index);
  }
  const uses = recipe.actions.map((): string[] => []);
  for (const [name, index] of last) {
    if (!/^(loss\.\d+$|norm\.)/.test(name)) uses[index]?.push(name);
  }
  return uses;
}
