/** The nearest kept checkpoint before a round, and the rounds between that have to be computed again. */
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import type { Hex } from '../../protocol/hex.ts';
import { type LearningCheckpoint, readCheckpoint } from '../../training/learning-checkpoint.ts';
import type { ArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';

/** Where a replay can begin. */
export type EarlierState =
  | {
      readonly kind: 'state';
      readonly bytes: Uint8Array;
      /** Rounds between this checkpoint and the replayed round, the oldest first. */
      readonly between: readonly RoundRecord[];
    }
  /** A kept checkpoint on the way does not have the bytes of its name or the root of its record. */
  | { readonly kind: 'damaged'; readonly record: RoundRecord }
  /** No record is of the round that made this root. */
  | { readonly kind: 'missing'; readonly root: Hex; readonly between: readonly RoundRecord[] }
  | { readonly kind: 'no chain' };

/**
 * Walks from a round to the round before, and on, until a checkpoint is at hand: one of `given`, one that the
 * archive kept, or the one that the device began with.
 */
export async function earlierState(options: {
  readonly record: RoundRecord;
  readonly archive: ArchiveFolder;
  /** Checkpoints at hand, by root. */
  readonly given: ReadonlyMap<Hex, Uint8Array>;
  /** The checkpoint of a device that has never trained, if it has this root. */
  readonly first: (root: Hex) => Promise<Uint8Array | undefined>;
}): Promise<EarlierState> {
  const { record, archive, given, first } = options;
  const between: RoundRecord[] = [];
  for (let at = record; ; ) {
    const root = at.previousRoot;
    const earlier = given.has(root) ? undefined : await archive.byRoot(record.device, root);
    if (earlier === undefined) {
      const bytes = given.get(root) ?? (await first(root));
      return bytes === undefined ? { kind: 'missing', root, between } : { kind: 'state', bytes, between };
    }
    const stored = await archive.content.inspect(earlier.checkpoint);
    if (stored !== undefined) {
      const isIt = stored.intact && rootOf(stored.bytes) === root;
      return isIt ? { kind: 'state', bytes: stored.bytes, between } : { kind: 'damaged', record: earlier };
    }
    if (earlier.round >= at.round) return { kind: 'no chain' };
    between.unshift(earlier);
    at = earlier;
  }
}

/** Checkpoints read at most for what they tell of a device's settings. */
const READ_AT_MOST = 2;

/**
 * Kept checkpoints that tell what a device learns and how, the nearest first: its own of this round, then of
 * other rounds, then those of other devices. What they say is a guess until a root proves it.
 */
export async function statesNear(
  record: RoundRecord,
  archive: ArchiveFolder,
): Promise<readonly LearningCheckpoint[]> {
  const distance = ({ device, round }: Pick<RoundRecord, 'device' | 'round'>): number =>
    (device === record.device ? 0 : Number.MAX_SAFE_INTEGER / 2) + Math.abs(round - record.round);
  const entries = [...(await archive.list())].sort((a, b) => distance(a) - distance(b));
  const found: LearningCheckpoint[] = [];
  const look = async ({ checkpoint }: RoundRecord): Promise<void> => {
    const stored = await archive.content.inspect(checkpoint);
    const read = stored && checkpointIn(stored.bytes);
    if (read !== undefined) found.push(read);
  };
  await look(record);
  for (const entry of entries) {
    if (found.length >= READ_AT_MOST) break;
    if (entry.device === record.device && entry.round === record.round) continue;
    const other = await archive.record(entry.device, entry.round).catch(() => undefined);
    if (other !== undefined) await look(other);
  }
  return found;
}

/** Undefined for bytes that are no checkpoint. */
function checkpointIn(bytes: Uint8Array): LearningCheckpoint | undefined {
  try {
    return readCheckpoint(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined for bytes that are no checkpoint. */
export function rootOf(bytes: Uint8Array): Hex | undefined {
  try {
    return checkpointRoot(bytes);
  } catch {
    return undefined;
  }
}
