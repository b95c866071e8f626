/**
 * A session's tensors on its engine: state by name, and the inputs, results and caches of programs. Only the
 * most recently used programs keep theirs.
 */

import type { Engine, Tensor } from '../../compute/engines/engine.ts';
import { canPrepack } from '../../compute/engines/prepacking.ts';
import { elementCount, type Program, type TensorSpec } from '../../compute/repops/program.ts';
import { must } from '../../protocol/must.ts';
import { deviceRoots } from '../checkpoint/device-roots.ts';

/** Most programs kept, with their inputs, results and caches. The least recently used goes first. */
const MAX_PROGRAMS = 24;

interface KeptProgram {
  readonly program: Program;
  /** Keys in `#scratch` of the program's tensors that are not state. */
  readonly scratch: readonly string[];
}

/** A program with a tensor for each of its bound names. */
export class BoundProgram {
  readonly #engine: Engine;
  readonly #program: Program;
  readonly #bindings: Readonly<Record<string, Tensor>>;

  constructor(engine: Engine, program: Program, bindings: Readonly<Record<string, Tensor>>) {
    this.#engine = engine;
    this.#program = program;
    this.#bindings = bindings;
  }

  #tensor(name: string): Tensor {
    const tensor = this.#bindings[name];
    if (tensor === undefined) throw new RangeError(`${this.#program.name} binds no tensor ${name}`);
    return tensor;
  }

  write(name: string, data: Float32Array | Uint32Array): void {
    this.#engine.write(this.#tensor(name), data);
  }

  run(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#engine.run(this.#program, this.#bindings, options);
  }

  async floats(name: string): Promise<Float32Array> {
    const data = await this.#engine.read(this.#tensor(name));
    if (data instanceof Float32Array) return data;
    throw new TypeError(`${name} holds u32`);
  }

  async words(name: string): Promise<Uint32Array> {
    const data = await this.#engine.read(this.#tensor(name));
    if (data instanceof Uint32Array) return data;
    throw new TypeError(`${name} holds f32`);
  }

  /** The little-endian bytes of a tensor. Every platform that runs this is little-endian. */
  async bytes(name: string): Promise<Uint8Array> {
    const { buffer, byteOffset, byteLength } = await this.#engine.read(this.#tensor(name));
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** Merkle roots of tensors, computed on the engine where it can. */
  roots(names: readonly string[]): Promise<readonly Uint8Array[]> {
    return deviceRoots(
      this.#engine,
      names.map((name) => this.#tensor(name)),
    );
  }
}

export class TensorStore {
  readonly #engine: Engine;
  /** Least recently used first. */
  readonly #programs = new Map<string, KeptProgram>();
  /** Parameters, moments and tables by name. */
  readonly #state = new Map<string, Tensor>();
  /** Inputs, results and caches by name and size. Programs share tensors of equal name and size. */
  readonly #scratch = new Map<string, Tensor>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Writes a state tensor, and allocates it on first use: f32, or bf16 for a Uint16Array. */
  put(name: string, shape: readonly number[], data: Float32Array | Uint16Array): void {
    let tensor = this.#state.get(name);
    if (tensor === undefined) {
      tensor = this.#engine.allocate(shape, data instanceof Float32Array ? 'f32' : 'bf16');
      this.#state.set(name, tensor);
    }
    this.#engine.write(tensor, data);
  }

  /** Reads a copy of a state tensor. */
  async read(name: string): Promise<Float32Array> {
    const data = await this.#engine.read(this.#stateTensor(name));
    if (data instanceof Float32Array) return data;
    throw new TypeError(`${name} holds u32`);
  }

  /**
   * Makes prepacked copies of state matrices on an engine that keeps them. Throws EngineMemoryError if the
   * device has no room for one; those before it stay.
   */
  async prepack(names: readonly string[], signal?: AbortSignal): Promise<void> {
    const engine = this.#engine;
    if (!canPrepack(engine)) return;
    for (const name of names) {
      signal?.throwIfAborted();
      await engine.prepack(this.#stateTensor(name));
    }
  }

  /** Merkle roots of state tensors, computed on the engine where it can. */
  async roots(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const tensors = names.map((name) => this.#stateTensor(name));
    const roots = await deviceRoots(this.#engine, tensors);
    return new Map(names.map((name, i) => [name, must(roots, i)]));
  }

  /** The program with that key, and its tensors. `make` makes it unless it is kept from an earlier use. */
  program(key: string, make: () => Program): BoundProgram {
    const kept = this.#programs.get(key) ?? this.#keep(make());
    this.#programs.delete(key);
    this.#programs.set(key, kept);
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > MAX_PROGRAMS && oldest !== undefined) this.#drop(oldest);
    return new BoundProgram(this.#engine, kept.program, this.#bindings(kept.program));
  }

  /** Drops every program and frees its inputs, results and caches. State stays. */
  release(): void {
    for (const tensor of this.#scratch.values()) this.#engine.free(tensor);
    this.#scratch.clear();
    this.#programs.clear();
  }

  /** Frees state tensors. Drops every program, since it may bind them. */
  remove(names: readonly string[]): void {
    this.release();
    for (const name of names) {
      const tensor = this.#state.get(name);
      if (tensor !== undefined) this.#engine.free(tensor);
      this.#state.delete(name);
    }
  }

  /** Frees every tensor. */
  free(): void {
    this.release();
    for (const tensor of this.#state.values()) this.#engine.free(tensor);
    this.#state.clear();
  }

  #stateTensor(name: string): Tensor {
    const tensor = this.#state.get(name);
    if (tensor === undefined) throw new RangeError(`no state tensor ${name}`);
    return tensor;
  }

  #keep(program: Program): KeptProgram {
    const bound = Object.entries(program.tensors).filter(([, spec]) => spec.storage === 'bound');
    const scratch = bound
      .filter(([name]) => !this.#state.has(name))
      .map(([name, spec]) => scratchKey(name, spec));
    return { program, scratch };
  }

  #drop(key: string): void {
    this.#programs.delete(key);
    const used = new Set([...this.#programs.values()].flatMap(({ scratch }) => scratch));
    for (const [name, tensor] of this.#scratch) {
      if (used.has(name)) continue;
      this.#scratch.delete(name);
      this.#engine.free(tensor);
    }
  }

  #bindings(program: Program): Readonly<Record<string, Tensor>> {
    const bindings: Record<string, Tensor> = {};
    for (const [name, spec] of Object.entries(program.tensors)) {
      if (spec.storage !== 'bound') continue;
      const key = scratchKey(name, spec);
      let tensor = this.#state.get(name) ?? this.#scratch.get(key);
      if (tensor === undefined) {
        tensor = this.#engine.allocate(spec.shape, spec.dtype);
        this.#scratch.set(key, tensor);
      }
      bindings[name] = tensor;
    }
    return bindings;
  }
}

function scratchKey(name: string, spec: TensorSpec): string {
  return `${name} ${elementCount(spec.shape)}`;
}
