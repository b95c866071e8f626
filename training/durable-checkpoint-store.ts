import type { Directory } from '../models/storage/directory.ts';
import { openDurableSlot } from '../models/storage/durable-slot.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

export interface DurableCheckpointStore extends CheckpointStore {
  /** Deletes every checkpoint, so that the next start begins from the published model. */
  clear(): Promise<void>;
}

/**
 * Keeps a trainer's checkpoint in a durable slot: the newest one and the one before it. The round cursor is
 * not stored beside it, since the checkpoint's metadata carries it and both must change together.
 */
export function openCheckpointStore(directory: Directory): DurableCheckpointStore {
  const slot = openDurableSlot({ directory, name: 'checkpoint' });
  return {
    load: async () => (await slot.load())?.data,
    save: async (checkpoint) => {
      await slot.save(checkpoint);
    },
    clear: () => slot.clear(),
  };
}
