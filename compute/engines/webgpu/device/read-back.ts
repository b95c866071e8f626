/** Reads bytes of the device back to the host. */
import type { Memory } from './device-memory.ts';

/** Bytes of the staging buffer that is kept for the next read. Losses and roots are far smaller. */
const KEPT_BYTES = 65536;

export class ReadBack {
  readonly #device: GPUDevice;
  readonly #orLost: <T>(pending: Promise<T>) => Promise<T>;
  #idle: GPUBuffer | undefined;

  constructor(device: GPUDevice, orLost: <T>(pending: Promise<T>) => Promise<T>) {
    this.#device = device;
    this.#orLost = orLost;
  }

  /**
   * Reads `bytes` bytes from byte `at` on, both multiples of 4, once the device has done everything submitted
   * so far. Rejects when the device is lost.
   */
  async read(memory: Memory, at: number, bytes: number): Promise<ArrayBuffer> {
    const staging = this.#take(bytes);
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(memory.buffer, at, staging, 0, bytes);
      this.#device.queue.submit([encoder.finish()]);
      await this.#orLost(staging.mapAsync(GPUMapMode.READ, 0, bytes));
      const data = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      this.#giveBack(staging);
      return data;
    } catch (error) {
      staging.destroy();
      throw error;
    }
  }

  stop(): void {
    this.#idle?.destroy();
    this.#idle = undefined;
  }

  #take(bytes: number): GPUBuffer {
    const idle = this.#idle;
    if (idle !== undefined && bytes <= KEPT_BYTES) {
      this.#idle = undefined;
      return idle;
    }
    return this.#device.createBuffer({
      label: 'read',
      size: Math.max(bytes, KEPT_BYTES),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  #giveBack(staging: GPUBuffer): void {
    if (staging.size === KEPT_BYTES && this.#idle === undefined) this.#idle = staging;
    else staging.destroy();
  }
}
