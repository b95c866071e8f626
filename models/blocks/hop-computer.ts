/**
 * Computes hops of a step on an engine, from named tensors as bytes. It keeps nothing between two hops but
 * frozen weights and the tensors of the block's version that it read last, so any hop can be computed again,
 * on any device.
 */
import type { Engine } from '../../compute/engines/engine.ts';
import { type TensorData, viewAs } from '../../compute/engines/tensor-data.ts';
import { findNotCanonical } from '../../compute/repops/arithmetic.ts';
import { elementBytes, elementCount, type Program, type TensorSpec } from '../../compute/repops/program.ts';
import type { RecipeTensor } from '../../compute/repops/recipe.ts';
import { must } from '../../protocol/must.ts';
import { queueOf } from '../decoder/engine-queue.ts';
import { type BoundProgram, TensorStore } from '../decoder/tensor-store.ts';
import { blockOf, frozenTensors, versionTensors } from './block-plan.ts';
import type { BlockStep } from './block-step.ts';
import { boundEnds, type Hop } from './hop.ts';

/** Tensors by the recipe's names, as little-endian bytes. */
export type TensorBytes = ReadonlyMap<string, Uint8Array>;

export interface HopInput {
  /** What `hop.inputs` names. More is ignored. */
  readonly inputs: TensorBytes;
  /**
   * The block's version: what `hop.state` names and `loadFrozen` was not given. A tensor whose bytes are the
   * same array as in the call before stays on the engine, so the arrays must not be changed.
   */
  readonly state: TensorBytes;
}

export interface HopResult {
  /** What `hop.outputs` names. */
  readonly outputs: TensorBytes;
  /** The tensor roots of the outputs (docs/checkpoint.md), 32 bytes each. */
  readonly roots: TensorBytes;
}

/** A hop cannot be computed from these tensors. The message tells what is wrong with which. */
export class HopInputError extends Error {
  override readonly name = 'HopInputError';
}

export interface HopComputerOptions {
  readonly engine: Engine;
  readonly step: BlockStep;
}

export class HopComputer {
  readonly #engine: Engine;
  #step: BlockStep;
  readonly #store: TensorStore;
  /** Whose bytes a state tensor on the engine has. */
  readonly #held = new Map<string, Uint8Array>();
  /** Weights that no step changes, on the engine until their block is released. */
  readonly #frozen = new Set<string>();
  /** The tables on the engine. */
  readonly #fixed = new Map<string, Float32Array>();
  readonly #keys = new WeakMap<Program, string>();
  #programs = 0;
  #disposed = false;

  constructor({ engine, step }: HopComputerOptions) {
    this.#engine = engine;
    this.#step = step;
    this.#store = new TensorStore(engine);
  }

  /** Bytes of the tensors that a block's version has on the engine by now. */
  get heldBytes(): number {
    let bytes = 0;
    for (const held of this.#held.values()) bytes += held.byteLength;
    return bytes;
  }

  /**
   * Goes on with another step of the same plan: other paths, microbatches or settings. The blocks' tensors
   * and the programs stay on the engine. Waits for earlier calls.
   */
  async use(step: BlockStep): Promise<void> {
    await queueOf(this.#engine).run(async () => {
      if (step.plan !== this.#step.plan) {
        throw new HopInputError('The step is of another plan of blocks: make another computer for it.');
      }
      this.#step = step;
    });
  }

  /**
   * Takes a block's frozen weights to the engine. Hops find them there until `release`. Throws HopInputError
   * for a tensor that is none of the plan's, of another size or not canonical.
   */
  async loadFrozen(weights: TensorBytes): Promise<void> {
    await queueOf(this.#engine).run(async () => {
      if (this.#disposed) throw new HopInputError('This computer was disposed of: make another one.');
      for (const [name, bytes] of weights) {
        if (this.#frozen.has(name)) continue;
        if (this.#step.recipe.tensors.get(name)?.source.kind !== 'frozen') {
          throw new HopInputError(
            `${name.slice(0, 100)} is no frozen weight of this plan: give only its own.`,
          );
        }
        this.#put(name, new Map([[name, this.#elements(name, bytes)]]));
        this.#frozen.add(name);
      }
    });
  }

  /**
   * Computes a hop by its number in the step. Waits for earlier calls on the engine. Throws HopInputError for
   * a tensor that is missing, of another size or not canonical, and ProgramError for a token that is not in
   * the vocabulary. After `update`, the outputs are the tensors of the block's next version, and stay on the
   * engine.
   */
  compute(
    index: number,
    given: HopInput,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<HopResult> {
    return queueOf(this.#engine).run(async () => {
      if (this.#disposed) throw new HopInputError('This computer was disposed of: make another one.');
      options.signal?.throwIfAborted();
      const { hop, program, bindings } = this.#action(index);
      const values = this.#checked(hop, given);
      for (const [name, bytes] of given.state) {
        if (!hop.state.includes(name) || this.#isHere(name, bytes)) continue;
        this.#put(name, values);
        this.#held.set(name, bytes);
      }
      this.#putFixed(bindings);
      const bound = this.#bind(program, bindings, values);
      const changed = hop.outputs.filter((name) => hop.state.includes(name));
      // Until the outputs are read, these are neither the version before nor the one after.
      for (const name of changed) this.#held.delete(name);
      await bound.run(options);
      const written = Object.entries(bindings).filter(([, tensor]) => hop.outputs.includes(tensor));
      const outputs = new Map<string, Uint8Array>();
      for (const [name, tensor] of written) outputs.set(tensor, await bound.bytes(name));
      const hashes = await bound.roots(written.map(([name]) => name));
      const roots = new Map(written.map(([, tensor], i) => [tensor, must(hashes, i)]));
      for (const name of changed) {
        const bytes = outputs.get(name);
        if (bytes !== undefined) this.#held.set(name, bytes);
      }
      return { outputs, roots };
    });
  }

  /**
   * Takes a block's version off the engine. Its frozen weights stay, so that another version of it can be
   * computed with at once. Throws BlockPlanError for a block that the plan lacks.
   */
  async releaseVersion(block: string): Promise<void> {
    await this.#remove(versionTensors(blockOf(this.#step.plan, block)));
  }

  /** Takes a block's tensors off the engine. Throws BlockPlanError for a block that the plan lacks. */
  async release(block: string): Promise<void> {
    const { plan } = this.#step;
    const found = blockOf(plan, block);
    await this.#remove([...versionTensors(found), ...frozenTensors(plan, found)]);
  }

  async #remove(tensors: readonly { readonly name: string }[]): Promise<void> {
    const names = tensors.map(({ name }) => name);
    await queueOf(this.#engine).run(async () => {
      this.#store.remove(names);
      for (const name of names) {
        this.#held.delete(name);
        this.#frozen.delete(name);
      }
    });
  }

  /** Frees every tensor after the calls in progress. The caller stops the engine. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await queueOf(this.#engine).run(async () => this.#store.free());
  }

  #action(index: number): {
    readonly hop: Hop;
    readonly program: Program;
    readonly bindings: Readonly<Record<string, string>>;
  } {
    const hop = this.#step.hops[index];
    const action = this.#step.recipe.actions[index];
    if (hop === undefined || action?.kind !== 'run') {
      throw new HopInputError(`The step has ${this.#step.hops.length} hops, none of number ${index}.`);
    }
    return { hop, program: action.program, bindings: action.bindings };
  }

  #tensor(name: string): RecipeTensor {
    const tensor = this.#step.recipe.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`The step has no tensor ${name}.`);
    return tensor;
  }

  /** The hop's tensors as elements. State that is on the engine already was checked when it came. */
  #checked(hop: Hop, given: HopInput): ReadonlyMap<string, TensorData> {
    const values = new Map<string, TensorData>();
    const check = (name: string, bytes: Uint8Array | undefined) => {
      if (bytes === undefined) throw new HopInputError(`Hop ${hop.index} lacks ${name}: give it first.`);
      values.set(name, this.#elements(name, bytes));
    };
    for (const name of hop.inputs) check(name, given.inputs.get(name));
    for (const name of hop.state) {
      const bytes = given.state.get(name);
      if (!this.#isHere(name, bytes)) check(name, bytes);
    }
    return values;
  }

  /** Whether the engine has a state tensor already: a frozen one, or one with these very bytes. */
  #isHere(name: string, bytes: Uint8Array | undefined): boolean {
    return this.#frozen.has(name) || (bytes !== undefined && this.#held.get(name) === bytes);
  }

  /** Throws HopInputError for bytes that are not the tensor's. */
  #elements(name: string, bytes: Uint8Array): TensorData {
    const { shape, dtype } = this.#tensor(name);
    const length = elementCount(shape);
    const size = length * elementBytes(dtype);
    if (bytes.byteLength !== size) {
      throw new HopInputError(`${name} has ${bytes.byteLength} bytes, and [${shape}] makes ${size}.`);
    }
    const data = elementsOf(bytes, dtype, length);
    if (dtype === 'f32') checkCanonical(name, data);
    return data;
  }

  /** Brings tables that programs know by the recipe's name to the engine, unless they are there. */
  #putFixed(bindings: Readonly<Record<string, string>>): void {
    for (const [name, tensor] of Object.entries(bindings)) {
      const { source, shape } = this.#tensor(tensor);
      if (source.kind !== 'fixed' || name !== tensor || !(source.words instanceof Float32Array)) continue;
      if (this.#fixed.get(name) === source.words) continue;
      // Tables for rows of another number do not fit.
      if (this.#fixed.has(name)) this.#store.remove([name]);
      this.#store.put(name, shape, source.words);
      this.#fixed.set(name, source.words);
    }
  }

  /** Another program has another key, also where its name is the same. */
  #keyOf(program: Program): string {
    const key = this.#keys.get(program) ?? `${program.name} ${this.#programs++}`;
    this.#keys.set(program, key);
    return key;
  }

  #put(name: string, values: ReadonlyMap<string, TensorData>): void {
    const data = values.get(name);
    if (data === undefined || data instanceof Uint32Array) throw new RangeError(`${name} is no state.`);
    this.#store.put(name, this.#tensor(name).shape, data);
  }

  /** The program with everything written that it reads besides the block's version. */
  #bind(
    program: Program,
    bindings: Readonly<Record<string, string>>,
    values: ReadonlyMap<string, TensorData>,
  ): BoundProgram {
    const bound = this.#store.program(this.#keyOf(program), () => program);
    const { read } = boundEnds(program);
    for (const [name, tensor] of Object.entries(bindings)) {
      const { source } = this.#tensor(tensor);
      if (!read.has(name) || source.kind === 'state' || source.kind === 'frozen') continue;
      if (source.kind === 'fixed' && this.#fixed.has(name)) continue;
      const data = source.kind === 'fixed' ? source.words : values.get(tensor);
      if (data === undefined || data instanceof Uint16Array) throw new RangeError(`${tensor} has no value.`);
      bound.write(name, data);
    }
    return bound;
  }
}

function elementsOf(bytes: Uint8Array, dtype: TensorSpec['dtype'], length: number): TensorData {
  const aligned = bytes.byteOffset % elementBytes(dtype) === 0 ? bytes : new Uint8Array(bytes);
  return viewAs(dtype, aligned.buffer, aligned.byteOffset, length);
}

function checkCanonical(name: string, data: TensorData): void {
  const bad = findNotCanonical(new Uint32Array(data.buffer, data.byteOffset, data.length));
  if (bad < 0) return;
  throw new HopInputError(`${name} is not canonical at element ${bad}: what gave it computes wrongly.`);
}
