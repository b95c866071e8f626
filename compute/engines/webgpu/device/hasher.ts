/** Computes the roots and leaf hashes of tensors on the device. Only hashes are read back. */
import { elementBytes } from '../../../repops/program.ts';
import { leavesOf } from '../../hashing.ts';
import { HASH_WORDS, HASHES, hashInput, planLeaves, planRoots } from '../plan/hash-plans.ts';
import type { Plan } from '../plan/plan.ts';
import type { Pipelines } from '../shader/pipelines.ts';
import { CompiledPlan } from './compiled-plan.ts';
import type { DeviceMemory, GpuTensor } from './device-memory.ts';
import type { ReadBack } from './read-back.ts';
import type { Submitter } from './submitter.ts';

/** Compiled plans that are kept. A model is hashed again and again with the same sizes. */
const MAX_PLANS = 8;

export interface HasherOptions {
  readonly device: GPUDevice;
  readonly memory: DeviceMemory;
  readonly pipelines: Pipelines;
  readonly submitter: Submitter;
  readonly readBack: ReadBack;
  /** Rejects instead of `pending` when the device is lost. */
  readonly orLost: <T>(pending: Promise<T>) => Promise<T>;
}

export class Hasher {
  readonly #options: HasherOptions;
  readonly #plans = new Map<string, Promise<CompiledPlan>>();

  constructor(options: HasherOptions) {
    this.#options = options;
  }

  /** The root of each tensor, 32 bytes. */
  async roots(tensors: readonly GpuTensor[], signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    const sizes = tensors.map(bytesOf);
    const compiled = await this.#compiled(`roots ${sizes.join()}`, () => planRoots(sizes));
    const hashes = await this.#run(compiled, tensors, tensors.length, signal);
    return tensors.map((_, i) => hashes.slice(i * 4 * HASH_WORDS, (i + 1) * 4 * HASH_WORDS));
  }

  /** The leaf hashes of a tensor, 32 bytes each. */
  async leaves(tensor: GpuTensor, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = bytesOf(tensor);
    const compiled = await this.#compiled(`leaves ${bytes}`, () => planLeaves(bytes));
    return this.#run(compiled, [tensor], leavesOf(bytes), signal);
  }

  #compiled(key: string, plan: () => Plan): Promise<CompiledPlan> {
    const { device, pipelines, submitter, orLost } = this.#options;
    let compiled = this.#plans.get(key);
    if (compiled === undefined) {
      compiled = orLost(
        CompiledPlan.compile({
          device,
          pipelines,
          plan: plan(),
          variants: {},
          workgroupOffsets: submitter.workgroupOffsets,
        }),
      );
      const [oldest] = this.#plans.keys();
      if (this.#plans.size >= MAX_PLANS && oldest !== undefined) this.#plans.delete(oldest);
      this.#plans.set(key, compiled);
    }
    return compiled;
  }

  async #run(
    compiled: CompiledPlan,
    tensors: readonly GpuTensor[],
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { memory, submitter, readBack } = this.#options;
    const out = memory.create(count * HASH_WORDS, 'temporaries');
    try {
      const inputs = tensors.map((tensor, i) => [hashInput(i), tensor.memory] as const);
      const commands = compiled.commands(memory, Object.fromEntries([...inputs, [HASHES, out]]));
      await submitter.run(commands, signal);
      const words = new DataView(await readBack.read(out, 0, out.bytes));
      // The device gives words as numbers; a digest is their big-endian bytes.
      const digests = new Uint8Array(out.bytes);
      const view = new DataView(digests.buffer);
      for (let at = 0; at < out.bytes; at += 4) view.setUint32(at, words.getUint32(at, true));
      return digests;
    } finally {
      memory.destroy(out);
    }
  }
}

function bytesOf(tensor: GpuTensor): number {
  return tensor.length * elementBytes(tensor.dtype);
}
