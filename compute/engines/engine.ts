/**
 * The interface of everything that computes RepOps programs, and its rules. `describeEngineContract` in
 * testing/engine-contract.ts holds every engine to them; a test's title carries the id of its rule.
 *
 * Tensors
 * - **[EN-01]** A new tensor is zero, also where a freed one was.
 * - **[EN-02]** `write` copies in and `read` copies out: neither array is the tensor.
 * - **[EN-03]** `write` takes data of the tensor's dtype and element count only. Otherwise it throws
 *   EngineError.
 * - **[EN-04]** Every method refuses a tensor that was freed or that another engine made, with EngineError.
 * - **[EN-05]** `allocate` throws EngineMemoryError if the device has no room. The engine goes on.
 * - **[EN-06]** A tensor without elements can be allocated, written, read, freed and hashed. No program takes
 *   one.
 *
 * Runs
 * - **[EN-07]** `run` refuses a program or bindings that break docs/repops.md with ProgramError and computes
 *   nothing.
 * - **[EN-08]** An index out of range that the caller wrote is a ProgramError, never a value from elsewhere.
 * - **[EN-09]** A run depends on nothing but its program and the bound tensors: temporaries keep nothing
 *   between runs, the order of attributes is of no account, and one program runs on any tensors that fit.
 * - **[EN-10]** Where an operator works in place, its output takes the place of its input. Other tensors keep
 *   their bits.
 * - **[EN-11]** If the signal is aborted, `run` rejects with its reason: before anything is computed if it
 *   was aborted before. During a run, it may also finish. In both cases the engine goes on.
 * - **[EN-12]** The caller awaits a run before it starts the next one. A run that starts too early is refused
 *   with EngineError or gives the right bits.
 *
 * Life
 * - **[EN-13]** `stop` may be called again. After it, every other method throws or rejects with EngineError.
 *
 * What only some engines offer
 * - **[EN-14]** `HashingEngine` (hashing.ts): roots and leaf hashes are those of RFC 6962 over the tensor's
 *   bytes in leaves of 4,096. `readLeaf` gives a leaf's bytes, or throws RangeError if there is no such leaf.
 * - **[EN-15]** `PacedEngine` (duty-cycle.ts): the share changes no bit. A share outside 0.1 to 1 is a
 *   RangeError.
 * - **[EN-16]** `MeasuredEngine` (engine-memory.ts): `memory` counts each tensor's bytes until it is freed,
 *   and `predict` allocates nothing.
 * - **[EN-17]** `PrepackingEngine` (prepacking.ts): a prepacked copy changes no bit. It is dropped, with its
 *   memory, when the tensor is written by the caller or by a program, or freed.
 */
import type { DType, Program } from '../repops/program.ts';
import type { TensorData } from './tensor-data.ts';

export type EngineKind = 'reference' | 'wasm' | 'webgpu';

/** A tensor that an engine owns. Only the engine that made it can look inside. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/**
 * Bound tensors of a run by the program's names for them. Names that the program does not have are ignored.
 */
export type Bindings = Readonly<Record<string, Tensor>>;

/** How a run may be cut short. */
export interface RunOptions {
  readonly signal?: AbortSignal;
}

/**
 * Runs RepOps programs. Every engine gives the same bits for the same program and inputs, so each device may
 * use the one that is fastest on it.
 *
 * @example
 * ```ts
 * import type { Engine } from './engine.ts';
 * import { createReferenceEngine } from './reference.ts';
 * import { node } from '../repops/node.ts';
 * import type { Program } from '../repops/program.ts';
 *
 * const program: Program = {
 *   name: 'double',
 *   tensors: {
 *     x: { shape: [3], dtype: 'f32', storage: 'bound' },
 *     y: { shape: [3], dtype: 'f32', storage: 'bound' },
 *   },
 *   nodes: [node('add', { len: 3 }, ['x', 'x'], ['y'])],
 * };
 * const engine: Engine = createReferenceEngine();
 * const x = engine.allocate([3], 'f32');
 * const y = engine.allocate([3], 'f32');
 * engine.write(x, Float32Array.of(1, 2, 3));
 * await engine.run(program, { x, y });
 * const doubled = await engine.read(y); // Float32Array [2, 4, 6]
 * await engine.stop();
 * ```
 */
export interface Engine {
  readonly kind: EngineKind;
  /** What computes, for people: "wasm SIMD, 2 threads", "WebGPU, NVIDIA H100". */
  readonly description: string;
  /** A zeroed tensor. Throws EngineMemoryError if the device has no room. */
  allocate(shape: readonly number[], dtype: DType): Tensor;
  /**
   * Copies data in: Float32Array for f32, Uint32Array for u32, Uint16Array for bf16. Throws EngineError
   * unless the length is the element count.
   */
  write(tensor: Tensor, data: TensorData): void;
  /** A copy of the tensor's elements after all runs so far. */
  read(tensor: Tensor): Promise<TensorData>;
  /** Gives the tensor's memory back. */
  free(tensor: Tensor): void;
  /**
   * Runs every node in order with `bindings` for the bound tensors. May resolve before the device is done;
   * `read` waits. Throws ProgramError if the program breaks the rules or a binding is missing or does not
   * fit.
   */
  run(program: Program, bindings: Bindings, options?: RunOptions): Promise<void>;
  /** Releases everything, workers and devices included. */
  stop(): Promise<void>;
}

/** The engine was used wrongly or failed. The message names the remedy. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}

/**
 * The GPU device went away: a driver reset, a tab in the background, an unplugged card. Its state is lost.
 */
export class DeviceLostError extends EngineError {
  override readonly name = 'DeviceLostError';
}

/** The device has no memory left for a tensor. */
export class EngineMemoryError extends EngineError {
  override readonly name = 'EngineMemoryError';
}
