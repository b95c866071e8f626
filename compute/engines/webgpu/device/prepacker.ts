/** Makes and drops the prepacked copies of matrices. */
import { COPY, MATRIX, planPrepack, prepackedWords } from '../plan/prepack-plan.ts';
import type { Pipelines, Variants } from '../shader/pipelines.ts';
import { CompiledPlan } from './compiled-plan.ts';
import type { DeviceMemory, GpuTensor } from './device-memory.ts';
import type { Submitter } from './submitter.ts';

/** Compiled plans that are kept: a model has a matrix of each size in every layer. */
const MAX_PLANS = 8;

export interface PrepackerOptions {
  readonly device: GPUDevice;
  readonly memory: DeviceMemory;
  readonly pipelines: Pipelines;
  readonly submitter: Submitter;
  /** Rejects instead of `pending` when the device is lost. */
  readonly orLost: <T>(pending: Promise<T>) => Promise<T>;
}

export class Prepacker {
  readonly #options: PrepackerOptions;
  readonly #plans = new Map<string, Promise<CompiledPlan>>();

  constructor(options: PrepackerOptions) {
    this.#options = options;
  }

  /** Makes the copy of a matrix [N, K] that has none. */
  async make(
    matrix: GpuTensor,
    sides: { readonly N: number; readonly K: number },
    options: { readonly variants: Variants; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const { memory, submitter, orLost } = this.#options;
    const compiled = await orLost(this.#compiled(matrix, sides, options.variants));
    options.signal?.throwIfAborted();
    const copy = memory.create(prepackedWords(sides.N, sides.K), 'temporaries');
    matrix.prepacked = { ...sides, memory: copy };
    try {
      await orLost(memory.checked());
      await submitter.run(
        compiled.commands(memory, { [MATRIX]: matrix.memory, [COPY]: copy }),
        options.signal,
      );
    } catch (error) {
      this.drop(matrix);
      throw error;
    }
  }

  /** Gives the memory of a matrix's copy back, if it has one. */
  drop(matrix: GpuTensor): void {
    if (matrix.prepacked === undefined) return;
    this.#options.memory.destroy(matrix.prepacked.memory);
    matrix.prepacked = undefined;
  }

  #compiled(
    { dtype }: GpuTensor,
    { N, K }: { readonly N: number; readonly K: number },
    variants: Variants,
  ): Promise<CompiledPlan> {
    const { device, pipelines, submitter } = this.#options;
    const key = `${N} ${K} ${dtype} ${variants.matmul ?? ''}`;
    let compiled = this.#plans.get(key);
    if (compiled === undefined) {
      const plan = planPrepack({ N, K, bf16: dtype === 'bf16' });
      const { workgroupOffsets } = submitter;
      compiled = CompiledPlan.compile({ device, pipelines, plan, variants, workgroupOffsets });
      const [oldest] = this.#plans.keys();
      if (this.#plans.size >= MAX_PLANS && oldest !== undefined) this.#plans.delete(oldest);
      this.#plans.set(key, compiled);
    }
    return compiled;
  }
}
