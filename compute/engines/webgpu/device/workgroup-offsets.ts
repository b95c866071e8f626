/**
 * The uniform that tells a kernel at which workgroup its part of a dispatch begins
 * (shaders/lib/workgroups.wgsl).
 */
import { WORKGROUP_OFFSET_BYTES } from '../shader/bind-group-layouts.ts';

/** How many dispatches of one submission may begin at another workgroup than 0. */
const MAX_OFFSETS = 255;

export class WorkgroupOffsets {
  readonly buffer: GPUBuffer;
  readonly #device: GPUDevice;
  readonly #alignment: number;
  #used = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#alignment = Math.max(WORKGROUP_OFFSET_BYTES, device.limits.minUniformBufferOffsetAlignment);
    // Entry 0 stays 0, for dispatches that begin at workgroup 0.
    this.buffer = device.createBuffer({
      label: 'workgroup offsets',
      size: (1 + MAX_OFFSETS) * this.#alignment,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
  }

  /** Begins a submission. The queue overwrites earlier entries only after the submissions that read them. */
  reset(): void {
    this.#used = 0;
  }

  /**
   * The byte offset in the buffer where the kernel finds the workgroup number `first` when the submission
   * runs. Throws RangeError if the submission has more than MAX_OFFSETS parts.
   */
  byteOffsetOf(first: number): number {
    if (first === 0) return 0;
    if (this.#used >= MAX_OFFSETS) throw new RangeError('a submission has too many parts');
    this.#used += 1;
    const offset = this.#used * this.#alignment;
    this.#device.queue.writeBuffer(this.buffer, offset, Uint32Array.of(first));
    return offset;
  }
}
