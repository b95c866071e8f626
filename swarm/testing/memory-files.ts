import type { BlockFiles } from '../blocks/block-files.ts';

/** The process died here, in a test: nothing after this point reaches the medium. */
export class KilledError extends Error {
  override readonly name = 'KilledError';
}

/** As models/storage names it. */
class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
}

/** Files in memory. `node/blocks/blocks-on-disk.test.ts` runs the same store on the real ones. */
export class MemoryFiles implements BlockFiles {
  readonly files = new Map<string, Uint8Array>();
  /** Bytes of all files together. */
  capacity = Number.POSITIVE_INFINITY;
  /** Bytes until the process dies within a write. */
  killAfter = Number.POSITIVE_INFINITY;
  /** Bytes written so far. */
  written = 0;

  async list(): Promise<readonly string[]> {
    return [...this.files.keys()];
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name)?.slice();
  }

  async write(name: string, parts: readonly Uint8Array[]): Promise<void> {
    if (this.killAfter < 0) throw new KilledError('the process is gone');
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    if (this.killAfter < size) {
      // The file has its length already, but not its end.
      whole.fill(0, this.killAfter);
      this.files.set(name, whole);
      this.killAfter = -1;
      throw new KilledError(`killed while ${name} was written`);
    }
    let used = 0;
    for (const [other, bytes] of this.files) if (other !== name) used += bytes.length;
    if (used + size > this.capacity) {
      this.files.set(name, whole.slice(0, Math.max(0, this.capacity - used)));
      throw new StorageFullError('Storage is full.');
    }
    this.killAfter -= size;
    this.written += size;
    this.files.set(name, whole);
  }

  async remove(name: string): Promise<void> {
    if (this.killAfter < 0) throw new KilledError('the process is gone');
    this.files.delete(name);
  }
}
