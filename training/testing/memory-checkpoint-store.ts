import type { CheckpointStore } from '../checkpoint-store.ts';

/** Keeps every saved checkpoint in memory. With `failing` set, saving fails. */
export class MemoryCheckpointStore implements CheckpointStore {
  readonly saved: { readonly bytes: Uint8Array; readonly cursor: number }[] = [];
  failing = false;

  async load() {
    return this.saved.at(-1)?.bytes;
  }

  async save(bytes: Uint8Array, cursor: number) {
    if (this.failing) throw new Error('disk full');
    this.saved.push({ bytes, cursor });
  }
}
