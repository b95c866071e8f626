/** Device memory: tensors that callers own, and slots that all plans share, since runs are serialised. */
import { type DType, elementBytes, elementCount } from '../../../repops/program.ts';
import { EngineMemoryError, type Tensor } from '../../engine.ts';
import { MemoryMeter } from '../../engine-memory.ts';

/** Words that hold `count` elements. A word holds two bf16, the first in its low half. */
export function wordsFor(dtype: DType, count: number): number {
  return Math.ceil((count * elementBytes(dtype)) / 4);
}

/** A buffer, with an id by which bind groups are cached. */
export interface Memory {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly bytes: number;
}

export class GpuTensor implements Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly memory: Memory;
  /** For u32: the largest value that the host wrote. Undefined once the device has written the tensor. */
  largest: number | undefined = 0;
  /** The copy of a matrix [N, K] that products read in its place. */
  prepacked: { readonly memory: Memory; readonly N: number; readonly K: number } | undefined;

  constructor(shape: readonly number[], dtype: DType, memory: Memory) {
    this.shape = [...shape];
    this.dtype = dtype;
    this.memory = memory;
  }

  get length(): number {
    return elementCount(this.shape);
  }
}

export interface MemoryOptions {
  readonly device: GPUDevice;
  /**
   * Called when the device has run out of memory. WebGPU reports it some time after the creation of a buffer.
   */
  readonly onOutOfMemory: (error: EngineMemoryError) => void;
}

/**
 * Size of the smallest buffer, in bytes: a vec4 of words. wgpu validates a buffer against the previous
 * pipeline too if both have the same bind group layout, so a kernel that reads vectors before would make it
 * refuse a smaller buffer.
 */
const MIN_BYTES = 16;

/** Creates and destroys buffers, and keeps the slots. */
export class DeviceMemory {
  readonly #device: GPUDevice;
  readonly #onOutOfMemory: (error: EngineMemoryError) => void;
  readonly #live = new Set<Memory>();
  readonly #slots: Memory[] = [];
  /** The memory that is not a caller's tensor. */
  readonly #temporary = new Set<Memory>();
  readonly meter = new MemoryMeter();
  readonly #checks = new Set<Promise<void>>();
  #nextId = 1;

  constructor(options: MemoryOptions) {
    this.#device = options.device;
    this.#onOutOfMemory = options.onOutOfMemory;
  }

  /** Creates a zeroed buffer of `words` words. Throws EngineMemoryError if it exceeds the device's limits. */
  create(words: number, kind: 'tensors' | 'temporaries' = 'tensors'): Memory {
    const bytes = bytesFor(words);
    this.#throwIfTooLarge(bytes);
    this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({
      size: Math.max(bytes, MIN_BYTES),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    const check = this.#device.popErrorScope().then(
      (error) => {
        this.#checks.delete(check);
        if (error !== null) {
          this.#onOutOfMemory(
            new EngineMemoryError(`The GPU has no ${bytes} bytes left; use a smaller model or batch.`),
          );
        }
      },
      // A lost device settles no error scopes; the engine reports the loss itself.
      () => {
        this.#checks.delete(check);
      },
    );
    this.#checks.add(check);
    const memory = { id: this.#nextId++, buffer, bytes };
    this.#live.add(memory);
    if (kind === 'temporaries') this.#temporary.add(memory);
    this.meter.count(kind, bytes);
    return memory;
  }

  /** Resolves once the device has reported on every buffer created so far. */
  async checked(): Promise<void> {
    await Promise.all(this.#checks);
  }

  destroy(memory: Memory): void {
    if (this.#live.delete(memory)) {
      this.meter.count(this.#temporary.delete(memory) ? 'temporaries' : 'tensors', -memory.bytes);
    }
    memory.buffer.destroy();
  }

  /**
   * Memory for slots of at least these sizes in words. All plans get the same slots, so the contents are
   * undefined. Throws EngineMemoryError if a size exceeds the device's limits.
   */
  slots(sizes: readonly number[]): readonly Memory[] {
    const order = sizes.map((words, index) => ({ words, index })).sort((a, b) => b.words - a.words);
    const result = new Array<Memory>(sizes.length);
    for (const [rank, { words, index }] of order.entries()) {
      let memory = this.#slots[rank];
      if (memory === undefined || memory.bytes < words * 4) {
        // The old slot is destroyed first, so that the device need not hold both. Commands that use it are
        // already queued.
        this.#throwIfTooLarge(bytesFor(words));
        if (memory !== undefined) this.destroy(memory);
        memory = this.create(words, 'temporaries');
        this.#slots[rank] = memory;
      }
      result[index] = memory;
    }
    return result;
  }

  stop(): void {
    for (const memory of this.#live) memory.buffer.destroy();
    this.#live.clear();
    this.#temporary.clear();
    this.#slots.length = 0;
  }

  #throwIfTooLarge(bytes: number): void {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (bytes > limit) {
      throw new EngineMemoryError(
        `A tensor of ${bytes} bytes is over this GPU's limit of ${limit}; use a smaller model or batch.`,
      );
    }
  }
}

function bytesFor(words: number): number {
  return Math.max(4, words * 4);
}
