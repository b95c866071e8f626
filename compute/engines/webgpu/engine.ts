/**
 * The WebGPU engine. A run of a RepOps program (docs/repops.md) is one submission of compute dispatches; the
 * kernels are in shaders/.
 */
import { must } from '../../../protocol/must.ts';
import { SHADERS } from '../../generated/shaders.ts';
import { type DType, elementBytes, elementCount, type Program } from '../../repops/program.ts';
import { ProgramError } from '../../repops/program-error.ts';
import { validateBindings, validateProgram } from '../../repops/validate.ts';
import type { Clock, PacedEngine } from '../duty-cycle.ts';
import {
  DeviceLostError,
  EngineError,
  type EngineMemoryError,
  type RunOptions,
  type Tensor,
} from '../engine.ts';
import { boundBytes, type EngineMemory, type MeasuredEngine, type MemoryNeed } from '../engine-memory.ts';
import { type HashingEngine, leafRange, withEmptyRoots } from '../hashing.ts';
import { matrixSides, type PrepackingEngine } from '../prepacking.ts';
import { checkData, type TensorData, viewAs } from '../tensor-data.ts';
import { adapterName, isSoftwareAdapter, openDevice } from './device/adapter.ts';
import { CompiledPlan } from './device/compiled-plan.ts';
import { DeviceMemory, GpuTensor, type Memory, wordsFor } from './device/device-memory.ts';
import { Hasher } from './device/hasher.ts';
import { Prepacker } from './device/prepacker.ts';
import { ReadBack } from './device/read-back.ts';
import { Submitter } from './device/submitter.ts';
import type { PrepackedSides } from './plan/node-view.ts';
import { type Plan, planProgram } from './plan/plan.ts';
import { Pipelines, type Variants } from './shader/pipelines.ts';
import { DEFAULT_TUNING, SOFTWARE_TUNING, type Tuning } from './tuning/tuning.ts';

/** How a WebGPU engine computes. On a device that conforms, none of it changes a bit. */
export interface WebGpuEngineOptions {
  /** The engine takes ownership of the device and destroys it in `stop`. */
  readonly device: GPUDevice;
  /** Defaults to the adapter's name for itself. */
  readonly description?: string;
  /**
   * Kernel variant of each operator. Defaults to `native`. The conformance gate finds the variants that
   * conform.
   */
  readonly variants?: Variants;
  /**
   * Tile sizes. Defaults to small tiles, or to the software-GPU preset if `openWebGpuEngine` gets a software
   * adapter. Affects speed only, never results.
   */
  readonly tuning?: Tuning;
  /**
   * Milliseconds that one submission may hold the GPU; a longer run is divided into several submissions.
   * Defaults to no limit while the share is 1, and to 10 below that.
   */
  readonly sliceMs?: number;
  /** Defaults to the system's clock. Only tests replace it. */
  readonly clock?: Clock;
  /**
   * Linked kernels by name. Defaults to the generated ones. Only tests replace them, to show that a wrong
   * kernel is caught.
   */
  readonly shaders?: Readonly<Record<string, string>>;
}

/** Creates an engine on an adapter. Rejects with EngineError if the adapter gives no device. */
export async function openWebGpuEngine(
  adapter: GPUAdapter,
  options: Omit<WebGpuEngineOptions, 'device'> = {},
): Promise<WebGpuEngine> {
  const device = await openDevice(adapter);
  return createWebGpuEngine({
    description: `WebGPU, ${adapterName(adapter.info)}`,
    tuning: isSoftwareAdapter(adapter.info) ? SOFTWARE_TUNING : DEFAULT_TUNING,
    ...options,
    device,
  });
}

/** Creates an engine on a device. */
export function createWebGpuEngine(options: WebGpuEngineOptions): WebGpuEngine {
  return new WebGpuEngine(options);
}

export class WebGpuEngine implements HashingEngine, PacedEngine, MeasuredEngine, PrepackingEngine {
  readonly kind = 'webgpu';
  readonly description: string;
  readonly #device: GPUDevice;
  readonly #memory: DeviceMemory;
  readonly #pipelines: Pipelines;
  readonly #tensors = new Set<GpuTensor>();
  readonly #submitter: Submitter;
  readonly #readBack: ReadBack;
  readonly #hasher: Hasher;
  readonly #prepacker: Prepacker;
  #tuning: Tuning;
  readonly #validated = new WeakSet<Program>();
  /** By the names of the bound tensors that have a prepacked copy, one a line. */
  #plans = new WeakMap<Program, Map<string, Plan>>();
  #compiled = new WeakMap<Plan, Promise<CompiledPlan>>();
  #variants: Variants;
  /** Rejects when the device is lost, so that no call waits for an answer that never comes. */
  readonly #loss: Promise<never>;
  #lost: DeviceLostError | undefined;
  #outOfMemory: EngineMemoryError | undefined;
  #invalid: EngineError | undefined;
  #stopped = false;

  constructor(options: WebGpuEngineOptions) {
    this.#device = options.device;
    this.#variants = options.variants ?? {};
    this.description = options.description ?? `WebGPU, ${adapterName(options.device.adapterInfo)}`;
    this.#memory = new DeviceMemory({
      device: options.device,
      onOutOfMemory: (error) => {
        this.#outOfMemory = error;
      },
    });
    this.#pipelines = new Pipelines(options.device, options.shaders ?? SHADERS);
    this.#tuning = options.tuning ?? DEFAULT_TUNING;
    const orLost = <T>(pending: Promise<T>): Promise<T> => this.#orLost(pending);
    this.#submitter = new Submitter({
      device: options.device,
      sliceMs: options.sliceMs,
      clock: options.clock,
      orLost,
    });
    this.#readBack = new ReadBack(options.device, orLost);
    this.#hasher = new Hasher({
      device: options.device,
      memory: this.#memory,
      pipelines: this.#pipelines,
      submitter: this.#submitter,
      readBack: this.#readBack,
      orLost,
    });
    this.#prepacker = new Prepacker({
      device: options.device,
      memory: this.#memory,
      pipelines: this.#pipelines,
      submitter: this.#submitter,
      orLost,
    });
    this.#loss = options.device.lost.then((info) => {
      const reason = info.message === '' ? '' : ` (${info.message})`;
      this.#lost = new DeviceLostError(`The GPU device was lost${reason}; restart from the last checkpoint.`);
      throw this.#lost;
    });
    this.#loss.catch(() => {});
    options.device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.#invalid = new EngineError(`The GPU refused a command: ${event.error.message}`);
    });
  }

  /** Sets the kernel variants of later runs. */
  useVariants(variants: Variants): void {
    this.#variants = variants;
    // The kernels before may have been those that do not conform.
    for (const tensor of this.#tensors) this.#prepacker.drop(tensor);
    this.#compiled = new WeakMap();
  }

  /** Sets the tile sizes of later runs. */
  useTuning(tuning: Tuning): void {
    this.#tuning = tuning;
    this.#plans = new WeakMap();
    this.#compiled = new WeakMap();
  }

  setShare(share: number): void {
    this.#submitter.setShare(share);
  }

  /** Submissions of the last run. */
  get submissions(): number {
    return this.#submitter.submissions;
  }

  /** Bytes held now, and the most that were held at once. */
  memory(): EngineMemory {
    return this.#memory.meter.report();
  }

  predict(program: Program): MemoryNeed {
    this.#validate(program);
    const { total, largest } = boundBytes(program);
    const slots = this.#plan(program).slots.map((words) => words * 4);
    return {
      tensors: total,
      temporaries: slots.reduce((sum, bytes) => sum + bytes, 0),
      largest: Math.max(largest, ...slots),
    };
  }

  allocate(shape: readonly number[], dtype: DType): Tensor {
    this.#throwIfUnusable();
    const tensor = new GpuTensor(shape, dtype, this.#memory.create(wordsFor(dtype, elementCount(shape))));
    this.#tensors.add(tensor);
    return tensor;
  }

  write(tensor: Tensor, data: TensorData): void {
    this.#throwIfUnusable();
    const target = this.#own(tensor);
    checkData(target, data, (message) => new EngineError(message));
    this.#prepacker.drop(target);
    if (data instanceof Uint32Array) target.largest = data.reduce((a, b) => Math.max(a, b), 0);
    // writeBuffer takes whole words, so an odd last bf16 is written with a zero after it.
    const whole = data.byteLength - (data.byteLength % 4);
    const { queue } = this.#device;
    queue.writeBuffer(target.memory.buffer, 0, data.buffer, data.byteOffset, whole);
    if (whole < data.byteLength) {
      queue.writeBuffer(target.memory.buffer, whole, Uint32Array.of(must(data, data.length - 1)));
    }
  }

  async read(tensor: Tensor): Promise<TensorData> {
    this.#throwIfUnusable();
    const source = this.#own(tensor);
    const data = await this.#readBack.read(source.memory, 0, wordsFor(source.dtype, source.length) * 4);
    this.#throwIfUnusable();
    return viewAs(source.dtype, data, 0, source.length);
  }

  async hash(tensors: readonly Tensor[], options: RunOptions = {}): Promise<readonly Uint8Array[]> {
    this.#throwIfUnusable();
    const all = tensors.map((tensor) => this.#own(tensor));
    const full = all.filter(({ length }) => length > 0);
    const roots = full.length === 0 ? [] : await this.#hasher.roots(full, options.signal);
    this.#throwIfUnusable();
    return withEmptyRoots(
      all.map(({ length }) => length),
      roots,
    );
  }

  async leafHashes(tensor: Tensor, options: RunOptions = {}): Promise<Uint8Array> {
    this.#throwIfUnusable();
    const own = this.#own(tensor);
    if (own.length === 0) return new Uint8Array();
    const hashes = await this.#hasher.leaves(own, options.signal);
    this.#throwIfUnusable();
    return hashes;
  }

  async readLeaf(tensor: Tensor, leaf: number): Promise<Uint8Array> {
    this.#throwIfUnusable();
    const source = this.#own(tensor);
    const { start, length } = leafRange(source.length * elementBytes(source.dtype), leaf);
    const data = await this.#readBack.read(source.memory, start, Math.ceil(length / 4) * 4);
    this.#throwIfUnusable();
    return new Uint8Array(data, 0, length);
  }

  free(tensor: Tensor): void {
    const owned = this.#own(tensor);
    this.#prepacker.drop(owned);
    this.#tensors.delete(owned);
    this.#memory.destroy(owned.memory);
  }

  /**
   * Compiles the kernels of a program without running it, so that the first run need not wait. Rejects with
   * EngineError if the driver refuses a kernel.
   */
  async prepare(program: Program): Promise<void> {
    this.#throwIfUnusable();
    this.#validate(program);
    await this.#orLost(this.#compile(this.#plan(program)));
  }

  /** Does nothing where this device's kernels would not read the copy. */
  async prepack(matrix: Tensor, options: RunOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#throwIfUnusable();
    const own = this.#own(matrix);
    const sides = matrixSides(own);
    const { registerTiled, fewRows } = this.#tuning;
    if (sides === undefined || own.prepacked !== undefined) return;
    if (registerTiled === undefined && fewRows === undefined) return;
    await this.#prepacker.make(own, sides, { variants: this.#variants, signal: options.signal });
    this.#throwIfUnusable();
  }

  async run(
    program: Program,
    bindings: Readonly<Record<string, Tensor>>,
    options: RunOptions = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    this.#throwIfUnusable();
    this.#validate(program);
    validateBindings(program, bindings);
    const tensors = this.#boundTensors(program, bindings);
    const copies = this.#copies(this.#plan(program), tensors);
    const plan = this.#plan(program, copies);
    checkIndices(program, plan, tensors);
    const compiled = await this.#orLost(this.#compile(plan));
    options.signal?.throwIfAborted();
    const memories = Object.entries(tensors).map(([name, { memory }]) => [name, memory] as const);
    const held = new Map([...copies].map(([name, { memory }]) => [name, memory]));
    const commands = compiled.commands(this.#memory, Object.fromEntries(memories), held);
    await this.#orLost(this.#memory.checked());
    this.#throwIfUnusable();
    for (const name of plan.written) {
      const tensor = tensors[name];
      if (tensor === undefined) continue;
      tensor.largest = undefined;
      this.#prepacker.drop(tensor);
    }
    await this.#submitter.run(commands, options.signal);
    this.#throwIfUnusable();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#tensors.clear();
    this.#memory.stop();
    this.#readBack.stop();
    this.#device.destroy();
    await this.#device.lost;
  }

  #validate(program: Program): void {
    if (this.#validated.has(program)) return;
    validateProgram(program);
    this.#validated.add(program);
  }

  #plan(program: Program, prepacked: PrepackedSides = new Map()): Plan {
    const plans = this.#plans.get(program) ?? new Map<string, Plan>();
    this.#plans.set(program, plans);
    const key = [...prepacked.keys()].join('\n');
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = planProgram(program, this.#tuning, prepacked);
      plans.set(key, plan);
    }
    return plan;
  }

  /** The prepacked copies that a program can read. */
  #copies(plan: Plan, tensors: Readonly<Record<string, GpuTensor>>): ReadonlyMap<string, Copy> {
    const copies = new Map<string, Copy>();
    for (const [name, { N, K }] of plan.prepackable) {
      const copy = tensors[name]?.prepacked;
      if (copy?.N === N && copy.K === K) copies.set(name, copy);
    }
    return copies;
  }

  #compile(plan: Plan): Promise<CompiledPlan> {
    let compiled = this.#compiled.get(plan);
    if (compiled === undefined) {
      compiled = CompiledPlan.compile({
        device: this.#device,
        plan,
        pipelines: this.#pipelines,
        variants: this.#variants,
        workgroupOffsets: this.#submitter.workgroupOffsets,
      });
      this.#compiled.set(plan, compiled);
    }
    return compiled;
  }

  #boundTensors(
    program: Program,
    bindings: Readonly<Record<string, Tensor>>,
  ): Readonly<Record<string, GpuTensor>> {
    const result: Record<string, GpuTensor> = {};
    for (const [name, spec] of Object.entries(program.tensors)) {
      const tensor = bindings[name];
      if (spec.storage === 'bound' && tensor !== undefined) result[name] = this.#own(tensor);
    }
    return result;
  }

  #own(tensor: Tensor): GpuTensor {
    this.#throwIfStopped();
    if (tensor instanceof GpuTensor && this.#tensors.has(tensor)) return tensor;
    throw new EngineError('This tensor was freed or belongs to another engine.');
  }

  #orLost<T>(pending: Promise<T>): Promise<T> {
    return Promise.race([pending, this.#loss]);
  }

  #throwIfStopped(): void {
    if (this.#stopped) throw new EngineError('The engine was stopped; make a new one.');
  }

  #throwIfUnusable(): void {
    this.#throwIfStopped();
    const problem = this.#lost ?? this.#outOfMemory ?? this.#invalid;
    if (problem !== undefined) throw problem;
  }
}

interface Copy {
  readonly memory: Memory;
  readonly N: number;
  readonly K: number;
}

/**
 * Throws ProgramError if an index that the host wrote is out of range. A GPU would read elsewhere without an
 * error.
 */
function checkIndices(program: Program, plan: Plan, tensors: Readonly<Record<string, GpuTensor>>): void {
  for (const { tensor, limit, op } of plan.indexChecks) {
    const largest = tensors[tensor]?.largest;
    if (largest !== undefined && largest >= limit) {
      throw new ProgramError(
        `${program.name}: ${op} index ${largest} in ${tensor} is out of range; it must be below ${limit}`,
      );
    }
  }
}
