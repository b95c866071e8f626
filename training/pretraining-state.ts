/** Where a long pretraining run stands, on a disk that survives a kill at any byte. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeCheckpoint, encodeCheckpoint } from '../models/decoder/checkpoint.ts';
import type { DecoderConfig } from '../models/decoder/config.ts';
import type { ModelState } from '../models/decoder/state.ts';
import type { Directory } from '../models/storage/directory.ts';
import { openDurableSlot } from '../models/storage/durable-slot.ts';
import { toHex } from '../protocol/hex.ts';

/** The stored state is of another run. The message tells the remedy. */
export class PretrainingStateError extends Error {
  override readonly name = 'PretrainingStateError';
}

export interface PretrainingState {
  /** Where the run stands. Undefined before the first save. Throws PretrainingStateError for another run. */
  load(): Promise<ModelState | undefined>;
  save(state: ModelState): Promise<void>;
  clear(): Promise<void>;
}

/**
 * Opens the stored state of a run. `identityAt` names everything that decided the bits of its first `step`
 * steps: a state that was saved under another identity is refused, and not overwritten.
 */
export function openPretrainingState(options: {
  readonly directory: Directory;
  readonly config: DecoderConfig;
  identityAt(step: number): string;
}): PretrainingState {
  const { directory, config } = options;
  const slot = openDurableSlot({ directory, name: 'pretraining' });
  const keyAt = (step: number) => toHex(sha256(utf8ToBytes(options.identityAt(step))));
  return {
    async load() {
      const stored = await slot.load();
      if (stored === undefined) return undefined;
      const checkpoint = decodeCheckpoint(stored.data);
      if (checkpoint.rngKey !== keyAt(checkpoint.state.step)) {
        throw new PretrainingStateError(
          'The stored state is of another recipe, or of other tasks. Begin anew with --restart.',
        );
      }
      return checkpoint.state;
    },
    async save(state) {
      await slot.save(encodeCheckpoint({ config, state, cursor: state.step, rngKey: keyAt(state.step) }));
    },
    clear: () => slot.clear(),
  };
}
