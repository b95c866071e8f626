/** The checkpoints that this tab keeps for members who ask, and the room that they may take. */
import { type Directory, StorageError } from '../../models/storage/directory.ts';
import type { KeptCheckpoints } from '../../swarm/rounds/checkpoint-publisher.ts';
import {
  DEFAULT_RETENTION,
  openCheckpointRetention,
  type RetentionPolicy,
} from '../../training/checkpoint-retention.ts';
import { checkpointQuota } from './storage-quota.ts';

/** As the page reads them. The worker that trains writes and deletes them, by the same policy. */
export interface KeptHere extends KeptCheckpoints {
  readonly policy: RetentionPolicy;
}

/** What a person is shown of them. */
export interface ShownKept {
  readonly checkpoints: number;
  /** Size of all together. */
  readonly bytes: number;
  readonly policy: RetentionPolicy;
}

/**
 * Opens what earlier visits kept, and decides how much this one keeps. Null where the browser gives the page
 * no storage, so that checkpoints are served from memory.
 */
export async function openKeptHere(options: {
  /** Opens the folder of the kept checkpoints. Throws StorageError. */
  readonly directory: () => Promise<Directory>;
  /** What the browser says of its storage. Undefined where it says nothing. */
  readonly estimate: () => Promise<StorageEstimate | undefined>;
}): Promise<KeptHere | null> {
  try {
    // Its policy is not asked for: this side only reads.
    const kept = openCheckpointRetention({ directory: await options.directory(), policy: DEFAULT_RETENTION });
    const quota = checkpointQuota(await options.estimate(), sizeOf(await kept.list()));
    return { list: kept.list, read: kept.read, policy: { ...DEFAULT_RETENTION, quota } };
  } catch (error) {
    if (error instanceof StorageError) return null;
    throw error;
  }
}

/** Says what there is now. */
export async function reportKept(
  kept: KeptHere | null,
  emit: (event: { readonly kind: 'kept'; readonly kept: ShownKept }) => void,
): Promise<void> {
  if (kept === null) return;
  // The browser may take the storage away. Whoever asks for a checkpoint is told then.
  const listed = await kept.list().catch(() => undefined);
  if (listed === undefined) return;
  emit({
    kind: 'kept',
    kept: { checkpoints: listed.length, bytes: sizeOf(listed), policy: kept.policy },
  });
}

function sizeOf(kept: readonly { readonly bytes: number }[]): number {
  return kept.reduce((sum, { bytes }) => sum + bytes, 0);
}
