import { EngineMemoryError } from '../engine.ts';

const PAGE = 65536;
/** Blocks start and end on this boundary, so a kernel may run over the end of a tensor's last vector. */
const ALIGNMENT = 64;
/** Memory grows by at least this many pages (4 MiB), because each growth may copy. */
const GROWTH_PAGES = 64;

interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** First-fit allocation in a wasm memory, by the host. The module itself allocates nothing. */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  /** Free blocks by address, never adjacent to one another. */
  #free: Block[] = [];
  #top: number;

  /** Bytes below `first` belong to the module (control words, static data). */
  constructor(memory: WebAssembly.Memory, first: number) {
    this.memory = memory;
    this.#top = Math.ceil(first / ALIGNMENT) * ALIGNMENT;
  }

  /**
   * Address of `bytes` bytes (rounded up to 64), contents undefined. Throws EngineMemoryError when memory
   * cannot grow.
   */
  allocate(bytes: number): number {
    const size = roundUp(bytes);
    const index = this.#free.findIndex((block) => block.bytes >= size);
    const found = this.#free[index];
    if (found !== undefined) {
      if (found.bytes === size) this.#free.splice(index, 1);
      else this.#free[index] = { address: found.address + size, bytes: found.bytes - size };
      return found.address;
    }
    const last = this.#free.at(-1);
    const atTop = last !== undefined && last.address + last.bytes === this.#top;
    const address = atTop ? last.address : this.#top;
    this.#reserve(address + size);
    if (atTop) this.#free.pop();
    this.#top = address + size;
    return address;
  }

  /** Frees what `allocate(bytes)` returned. */
  free(address: number, bytes: number): void {
    const size = roundUp(bytes);
    const at = this.#free.findIndex((block) => block.address > address);
    const index = at === -1 ? this.#free.length : at;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsBefore = before !== undefined && before.address + before.bytes === address;
    const joinsAfter = after !== undefined && address + size === after.address;
    const start = joinsBefore ? before.address : address;
    const end = joinsAfter ? after.address + after.bytes : address + size;
    const first = joinsBefore ? index - 1 : index;
    this.#free.splice(first, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), {
      address: start,
      bytes: end - start,
    });
  }

  #reserve(end: number): void {
    const missing = Math.ceil((end - this.memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    for (const pages of [Math.max(missing, GROWTH_PAGES), missing]) {
      try {
        this.memory.grow(pages);
        return;
      } catch {
        // The larger step did not fit; try exactly what is needed.
      }
    }
    const mebibytes = Math.ceil(end / 2 ** 20);
    throw new EngineMemoryError(
      `The wasm engine needs ${mebibytes} MiB and the device refuses; use a smaller batch or model, or close other tabs.`,
    );
  }
}

function roundUp(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}
