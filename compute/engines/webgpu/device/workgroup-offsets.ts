/** The uniform that tells a kernel at which workgroup its part of a dispatch begins (shaders/lib/slice.wgsl). */
import { SLICE_BYTES } from '../shader/bind-group-layouts.ts';

/** Parts that one submission may begin elsewhere than at workgroup 0. */
export const MAX_PARTS = 255;

export class SliceNumbers {
  readonly buffer: GPUBuffer;
  readonly #device: GPUDevice;
  readonly #alignment: number;
  #used = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#alignment = Math.max(SLICE_BYTES, device.limits.minUniformBufferOffsetAlignment);
    // Entry 0 stays 0: the dispatches that begin at the beginning.
    this.buffer = device.createBuffer({
      label: 'slice numbers',
      size: (1 + MAX_PARTS) * this.#alignment,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
  }

  /** Begins a submission: what was handed out may be overwritten, in the queue's order. */
  reset(): void {
    this.#used = 0;
  }

  get isFull(): boolean {
    return this.#used >= MAX_PARTS;
  }

  /** Offset in the buffer where `first` stands when the submission in the making runs. */
  offsetOf(first: number): number {
    if (first === 0) return 0;
    if (this.isFull) throw new RangeError('a submission has too many parts');
    this.#used += 1;
    const offset = this.#used * this.#alignment;
    this.#device.queue.writeBuffer(this.buffer, offset, Uint32Array.of(first));
    return offset;
  }
}
