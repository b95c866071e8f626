/** The wasm engine: RepOps in WebAssembly SIMD, on one or several threads. */
import { must } from '../../../protocol/must.ts';
import { WASM_BASE64, WASM_THREADS_BASE64 } from '../../generated/wasm.ts';
import { type DType, elementBytes, elementCount, type Program } from '../../repops/program.ts';
import { ProgramError } from '../../repops/program-error.ts';
import { validateBindings, validateProgram } from '../../repops/validate.ts';
import { type Clock, DutyCycle, type PacedEngine, SYSTEM_CLOCK } from '../duty-cycle.ts';
import { type Bindings, EngineError, EngineMemoryError, type RunOptions, type Tensor } from '../engine.ts';
import {
  boundBytes,
  type EngineMemory,
  type MeasuredEngine,
  MemoryMeter,
  type MemoryNeed,
} from '../engine-memory.ts';
import { type HashingEngine, leafRange, leavesOf, withEmptyRoots } from '../hashing.ts';
import { matrixSides, type PrepackingEngine } from '../prepacking.ts';
import { checkData, type TensorData, viewAs } from '../tensor-data.ts';
import { HASH_BYTES, hashInput, leavesPlan, rootsPlan } from './hash-plan.ts';
import { LinearMemory } from './linear-memory.ts';
import { compilePlan, type Plan } from './plan.ts';
import { MATRIX, prepackedBytes, prepackPlan } from './prepack-plan.ts';
import { Region } from './region.ts';
import { callerOnly, type Kernels, startThreadPool, type ThreadPool } from './thread-pool.ts';

/** How a wasm engine computes. None of it changes a bit. */
export interface WasmEngineOptions {
  /** Threads that compute, the caller's included. Defaults to 1. Bits do not depend on it. */
  readonly threads?: number;
  /** Only tests replace it. */
  readonly clock?: Clock;
  /** Runs every step on all threads, however short it is: for tests of the threads. Defaults to false. */
  readonly alwaysAllThreads?: boolean;
}

const MAX_THREADS = 64;

/**
 * First byte that the host may allocate; below it are the threads' control words and the module's own data.
 */
const FIRST_ADDRESS = 65536;
const INITIAL_PAGES = 2;
/** Maximum sizes to ask for, largest first: some browsers refuse to reserve address space for all of it. */
const MAXIMUM_PAGES = [65536, 32768, 16384, 8192];
/**
 * A run yields to the event loop at least this often, so that it sees an abort and the worker sees a message.
 */
const SLICE_MS = 24;
/** Plans for hashing that are kept: a model is hashed many times with the same sizes. */
const MAX_HASH_PLANS = 8;
/** Steps between two readings of the clock. */
const STEPS_PER_READING = 8;

/** An instance of the wasm module with its memory and threads. */
interface Instance {
  readonly memory: LinearMemory;
  readonly pool: ThreadPool;
  readonly threads: number;
  readonly description: string;
}

class WasmTensor implements Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly address: number;
  readonly length: number;
  /** The copy of a matrix [N, K] that products read in its place. */
  prepacked: { readonly address: number; readonly N: number; readonly K: number } | undefined;

  constructor(shape: readonly number[], dtype: DType, address: number) {
    this.shape = shape;
    this.dtype = dtype;
    this.address = address;
    this.length = elementCount(shape);
  }

  get bytes(): number {
    return this.length * elementBytes(this.dtype);
  }
}

/**
 * Makes a wasm engine. More than one thread need shared memory, which a browser gives to a cross-origin
 * isolated page only; without it the engine computes on one thread and its description says why. Throws
 * EngineError for `threads` outside 1 to 64.
 *
 * @example
 * ```ts
 * import { createWasmEngine } from './engine.ts';
 * import { runOperator } from '../run-program.ts';
 * import { operatorProgram } from '../../repops/operator-program.ts';
 *
 * const engine = await createWasmEngine({ threads: 2 });
 * const sum = operatorProgram('add', { len: 2 });
 * const [y] = await runOperator(engine, sum, [Float32Array.of(1, 2), Float32Array.of(3, 4)]); // [4, 6]
 * await engine.stop();
 * ```
 */
export async function createWasmEngine(options: WasmEngineOptions = {}): Promise<WasmEngine> {
  const threads = options.threads ?? 1;
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new EngineError(`threads must be an integer from 1 to ${MAX_THREADS}, got ${threads}.`);
  }
  return new WasmEngine(await startInstance(threads), options);
}

export class WasmEngine implements HashingEngine, PacedEngine, MeasuredEngine, PrepackingEngine {
  readonly kind = 'wasm';
  readonly description: string;
  readonly #instance: Instance;
  readonly #live = new Set<WasmTensor>();
  readonly #plans = new WeakMap<Program, Plan>();
  /** Temporaries and scratch of the running program. */
  readonly #arena: Region;
  /** The code of the running plan, then one address a step. */
  readonly #steps: Region;
  readonly #clock: Clock;
  readonly #alwaysAllThreads: boolean;
  readonly #duty: DutyCycle;
  readonly #meter = new MemoryMeter();
  readonly #hashPlans = new Map<string, Plan>();
  #running = false;
  #stopped = false;

  constructor(instance: Instance, options: WasmEngineOptions) {
    const { clock = SYSTEM_CLOCK, alwaysAllThreads = false } = options;
    this.#instance = instance;
    this.#alwaysAllThreads = alwaysAllThreads;
    this.description = instance.description;
    this.#arena = new Region(instance.memory, this.#meter);
    this.#steps = new Region(instance.memory, this.#meter);
    this.#clock = clock;
    this.#duty = new DutyCycle(clock);
  }

  setShare(share: number): void {
    this.#duty.share = share;
  }

  /** Bytes held now, and the most that were held at once. */
  memory(): EngineMemory {
    return this.#meter.report();
  }

  predict(program: Program): MemoryNeed {
    const { total, largest } = boundBytes(program);
    const plan = this.#planOf(program);
    const temporaries = plan.arenaBytes + stepBytes(plan);
    return { tensors: total, temporaries, largest: Math.max(largest, plan.arenaBytes) };
  }

  allocate(shape: readonly number[], dtype: DType): Tensor {
    this.#check();
    const bytes = elementBytes(dtype) * elementCount(shape);
    const address = this.#instance.memory.allocate(bytes);
    new Uint8Array(this.#buffer, address, bytes).fill(0);
    const tensor = new WasmTensor([...shape], dtype, address);
    this.#live.add(tensor);
    this.#meter.count('tensors', bytes);
    return tensor;
  }

  write(tensor: Tensor, data: TensorData): void {
    const own = this.#own(tensor);
    checkData(own, data, (message) => new EngineError(message));
    this.#dropPrepacked(own);
    this.#view(own).set(data);
  }

  async read(tensor: Tensor): Promise<TensorData> {
    return this.#view(this.#own(tensor)).slice();
  }

  free(tensor: Tensor): void {
    const own = this.#own(tensor);
    this.#dropPrepacked(own);
    this.#live.delete(own);
    this.#instance.memory.free(own.address, own.bytes);
    this.#meter.count('tensors', -own.bytes);
  }

  async prepack(matrix: Tensor, options: RunOptions = {}): Promise<void> {
    const own = this.#own(matrix);
    const sides = matrixSides(own);
    if (sides === undefined || own.prepacked !== undefined) return;
    await this.#exclusive(options.signal, async () => {
      const bytes = prepackedBytes(sides.N, sides.K);
      const address = this.#instance.memory.allocate(bytes);
      this.#meter.count('temporaries', bytes);
      own.prepacked = { ...sides, address };
      try {
        const plan = prepackPlan({ ...sides, dtype: own.dtype, address });
        await this.#execute(plan, this.#load(plan, { [MATRIX]: own }), options.signal);
      } catch (error) {
        this.#dropPrepacked(own);
        throw error;
      }
    });
  }

  async run(program: Program, bindings: Bindings, options: RunOptions = {}): Promise<void> {
    await this.#exclusive(options.signal, async () => {
      const plan = this.#planOf(program);
      validateBindings(program, bindings);
      const failed = await this.#execute(plan, this.#load(plan, bindings), options.signal);
      if (failed < 0) return;
      const node = must(plan.nodes, failed);
      throw new ProgramError(
        `${program.name}, node ${node} (${must(program.nodes, node).op}): an index in its u32 input is out of range`,
      );
    });
  }

  async hash(tensors: readonly Tensor[], options: RunOptions = {}): Promise<readonly Uint8Array[]> {
    this.#check();
    const all = tensors.map((tensor) => this.#own(tensor));
    const full = all.filter(({ length }) => length > 0);
    const roots = full.length === 0 ? [] : await this.#roots(full, options.signal);
    return withEmptyRoots(
      all.map(({ length }) => length),
      roots,
    );
  }

  async leafHashes(tensor: Tensor, options: RunOptions = {}): Promise<Uint8Array> {
    const { bytes } = this.#own(tensor);
    if (bytes === 0) return new Uint8Array();
    const plan = this.#hashPlan(`leaves ${bytes}`, (threads) => leavesPlan(bytes, threads));
    return this.#hashes(plan, [tensor], leavesOf(bytes), options.signal);
  }

  async readLeaf(tensor: Tensor, leaf: number): Promise<Uint8Array> {
    const { address, bytes } = this.#own(tensor);
    const { start, length } = leafRange(bytes, leaf);
    return new Uint8Array(this.#buffer, address + start, length).slice();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#live.clear();
    this.#instance.pool.stop();
  }

  async #exclusive<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#check();
    if (this.#running) throw new EngineError('A run is in progress; wait for it before starting another.');
    signal?.throwIfAborted();
    this.#running = true;
    try {
      return await work();
    } finally {
      this.#running = false;
    }
  }

  #hashPlan(key: string, make: (threads: number) => Plan): Plan {
    let plan = this.#hashPlans.get(key);
    if (plan === undefined) {
      plan = make(this.#instance.threads);
      const [oldest] = this.#hashPlans.keys();
      if (this.#hashPlans.size >= MAX_HASH_PLANS && oldest !== undefined) this.#hashPlans.delete(oldest);
      this.#hashPlans.set(key, plan);
    }
    return plan;
  }

  async #roots(tensors: readonly WasmTensor[], signal?: AbortSignal): Promise<Uint8Array[]> {
    const sizes = tensors.map(({ bytes }) => bytes);
    const plan = this.#hashPlan(`roots ${sizes.join()}`, (threads) => rootsPlan(sizes, threads));
    const hashes = await this.#hashes(plan, tensors, tensors.length, signal);
    return tensors.map((_, i) => hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  }

  /** Runs a plan that leaves `count` hashes at the beginning of the arena. */
  #hashes(plan: Plan, tensors: readonly Tensor[], count: number, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#exclusive(signal, async () => {
      const bindings = Object.fromEntries(tensors.map((tensor, i) => [hashInput(i), tensor]));
      await this.#execute(plan, this.#load(plan, bindings), signal);
      const arena = this.#arena.reserve(plan.arenaBytes);
      return new Uint8Array(this.#buffer, arena, count * HASH_BYTES).slice();
    });
  }

  #dropPrepacked(tensor: WasmTensor): void {
    if (tensor.prepacked === undefined) return;
    const { address, N, K } = tensor.prepacked;
    tensor.prepacked = undefined;
    this.#instance.memory.free(address, prepackedBytes(N, K));
    this.#meter.count('temporaries', -prepackedBytes(N, K));
  }

  get #buffer(): ArrayBufferLike {
    return this.#instance.memory.memory.buffer;
  }

  #check(): void {
    if (this.#stopped) throw new EngineError('The engine was stopped; make a new one.');
  }

  #own(tensor: Tensor): WasmTensor {
    this.#check();
    if (tensor instanceof WasmTensor && this.#live.has(tensor)) return tensor;
    throw new EngineError('This tensor was freed or belongs to another engine.');
  }

  #view(tensor: WasmTensor): TensorData {
    return viewAs(tensor.dtype, this.#buffer, tensor.address, tensor.length);
  }

  #planOf(program: Program): Plan {
    const known = this.#plans.get(program);
    if (known !== undefined) return known;
    validateProgram(program);
    const plan = compilePlan(program, this.#instance.threads);
    this.#plans.set(program, plan);
    return plan;
  }

  /**
   * Copies the plan's code into memory with this run's addresses. Gives the address of the steps' addresses.
   */
  #load(plan: Plan, bindings: Bindings): number {
    const arena = this.#arena.reserve(plan.arenaBytes);
    const base = this.#steps.reserve(stepBytes(plan));
    const code = new Int32Array(this.#buffer, base, plan.code.length + plan.starts.length);
    code.set(plan.code);
    for (const { index, bytes } of plan.arena) code[index] = arena + bytes;
    for (const [name, slots] of plan.bound) {
      const { address } = this.#bound(bindings, name);
      for (const { index, bytes } of slots) code[index] = address + bytes;
    }
    for (const name of plan.written) this.#dropPrepacked(this.#bound(bindings, name));
    for (const { index, tensor, N, K } of plan.prepacked) {
      const copy = this.#bound(bindings, tensor).prepacked;
      if (copy?.N === N && copy.K === K) code[index] = copy.address;
    }
    for (const [step, start] of plan.starts.entries()) code[plan.code.length + step] = base + 4 * start;
    return base + 4 * plan.code.length;
  }

  #bound(bindings: Bindings, name: string): WasmTensor {
    const tensor = bindings[name];
    if (tensor === undefined) throw new ProgramError(`bound tensor ${name} was not supplied`);
    return this.#own(tensor);
  }

  /** Runs a loaded plan. Gives -1, or the step that met an index out of range. */
  async #execute(plan: Plan, offsets: number, signal: AbortSignal | undefined): Promise<number> {
    const count = plan.starts.length;
    const { pool } = this.#instance;
    const run = plan.small && !this.#alwaysAllThreads ? pool.runOnCaller : pool.run;
    let sliceStart = this.#clock.now();
    for (let step = 0; step < count; step += STEPS_PER_READING) {
      const result = run(offsets, step, Math.min(step + STEPS_PER_READING, count));
      const failed = typeof result === 'number' ? result : await result;
      if (failed >= 0) return failed;
      const worked = this.#clock.now() - sliceStart;
      if (worked < SLICE_MS) continue;
      if (this.#duty.share < 1) await this.#duty.worked(worked, signal);
      else await yieldToEventLoop();
      signal?.throwIfAborted();
      this.#check();
      sliceStart = this.#clock.now();
    }
    await this.#duty.worked(this.#clock.now() - sliceStart, signal);
    return -1;
  }
}

/** Bytes of a plan's code and of its steps' addresses. */
function stepBytes(plan: Plan): number {
  return 4 * (plan.code.length + plan.starts.length);
}

async function startInstance(threads: number): Promise<Instance> {
  if (threads === 1) return singleThreaded('wasm SIMD');
  if (typeof SharedArrayBuffer === 'undefined' || globalThis.crossOriginIsolated === false) {
    return singleThreaded('wasm SIMD, 1 thread (the page is not cross-origin isolated)');
  }
  try {
    const memory = sharedMemory();
    const module = await WebAssembly.compile(bytesOf(WASM_THREADS_BASE64));
    const kernels = await instantiate(module, memory);
    return {
      memory: new LinearMemory(memory, FIRST_ADDRESS),
      pool: await startThreadPool(kernels, module, memory, threads),
      threads,
      description: `wasm SIMD, ${threads} threads`,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return singleThreaded(`wasm SIMD, 1 thread (${reason})`);
  }
}

async function singleThreaded(description: string): Promise<Instance> {
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES });
  const module = await WebAssembly.compile(bytesOf(WASM_BASE64));
  const pool = callerOnly(await instantiate(module, memory));
  return { memory: new LinearMemory(memory, FIRST_ADDRESS), pool, threads: 1, description };
}

function sharedMemory(): WebAssembly.Memory {
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    } catch {
      // Ask for less address space.
    }
  }
  throw new EngineMemoryError('the browser gives no shared memory');
}

async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const { steps } = instance.exports;
  if (typeof steps !== 'function')
    throw new EngineError('The wasm module lacks its entry; rebuild the kernels.');
  return { steps: steps as Kernels['steps'] };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Yields to the event loop once; setTimeout would wait 4 ms in a browser. */
function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}
