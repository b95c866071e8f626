import type { MemoryMeter } from '../engine-memory.ts';
import type { LinearMemory } from './linear-memory.ts';

/** A block of memory that is replaced by a larger one when more is needed. Its contents are not kept. */
export class Region {
  readonly #memory: LinearMemory;
  readonly #meter: MemoryMeter;
  #address = 0;
  #bytes = 0;

  constructor(memory: LinearMemory, meter: MemoryMeter) {
    this.#memory = memory;
    this.#meter = meter;
  }

  reserve(bytes: number): number {
    if (bytes > this.#bytes) {
      if (this.#bytes > 0) this.#memory.free(this.#address, this.#bytes);
      this.#meter.count('temporaries', -this.#bytes);
      this.#bytes = 0;
      this.#address = this.#memory.allocate(bytes);
      this.#bytes = bytes;
      this.#meter.count('temporaries', bytes);
    }
    return this.#address;
  }
}
