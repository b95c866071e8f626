/**
 * Which checkpoints a member keeps for others: the first, every k-th and the last. Rollouts and roots are
 * published each round; a checkpoint itself is served on request, and a replay recomputes what lies between.
 */

import { checkpointRoot } from '../models/checkpoint/root.ts';
import { type Directory, StorageFullError } from '../models/storage/directory.ts';
import type { Hex } from '../protocol/hex.ts';
import { SerialQueue } from '../protocol/serial-queue.ts';

export interface RetentionPolicy {
  /** Every checkpoint after a round that this divides is kept. At least 1. */
  readonly every: number;
  /** Most bytes of all kept checkpoints. The last one is kept even if it is larger. */
  readonly quota: number;
}

export interface KeptCheckpoint {
  /** The round after which it was made. */
  readonly round: number;
  readonly root: Hex;
  /** Size of the file. */
  readonly bytes: number;
}

export interface CheckpointRetention {
  /**
   * Keeps a round's checkpoint, and deletes those that the policy no longer keeps. Resolves with false when
   * the disk has no room even so; a round does not fail for that.
   */
  add(checkpoint: {
    readonly round: number;
    readonly root: Hex;
    readonly file: Uint8Array;
  }): Promise<boolean>;
  /** What is kept, by round. */
  list(): Promise<readonly KeptCheckpoint[]>;
  /** A kept checkpoint by its root. Undefined when there is none, or a crash left only a part of it. */
  load(root: Hex): Promise<Uint8Array | undefined>;
  /**
   * A part of a kept checkpoint's file, for those who ask for it in pieces. Undefined when it is not kept. A
   * crash may have left other bytes than the root's: whoever asks compares them with a hash.
   */
  read(root: Hex, offset: number, length: number): Promise<Uint8Array | undefined>;
}

/**
 * What the policy deletes, in the order of deletion. Under the quota only what is neither the first, nor the
 * last, nor a k-th; above it, the oldest of those, and at last the first.
 */
export function surplus(
  kept: readonly KeptCheckpoint[],
  { every, quota }: RetentionPolicy,
): readonly KeptCheckpoint[] {
  const byRound = [...kept].sort((a, b) => a.round - b.round);
  const inner = byRound.slice(1, -1);
  const deleted = inner.filter(({ round }) => round % every !== 0);
  let bytes = sizeOf(byRound) - sizeOf(deleted);
  const first = byRound.length > 1 ? byRound.slice(0, 1) : [];
  for (const each of [...inner.filter(({ round }) => round % every === 0), ...first]) {
    if (bytes <= quota) break;
    deleted.push(each);
    bytes -= each.bytes;
  }
  return deleted;
}

function sizeOf(kept: readonly KeptCheckpoint[]): number {
  return kept.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What a page or process that names nothing else keeps: every 10th checkpoint, of 1 GiB together. */
export const DEFAULT_RETENTION: RetentionPolicy = { every: 10, quota: 2 ** 30 };

/** Keeps checkpoints as files of their own in a directory. A file's name tells what it should hold. */
export function openCheckpointRetention(options: {
  readonly directory: Directory;
  readonly policy: RetentionPolicy;
}): CheckpointRetention {
  const { directory, policy } = options;
  const queue = new SerialQueue();

  const list = async (): Promise<readonly KeptCheckpoint[]> =>
    (await directory.list()).flatMap((name) => parseName(name) ?? []).sort((a, b) => a.round - b.round);

  const write = async (kept: KeptCheckpoint, file: Uint8Array): Promise<boolean> => {
    for (;;) {
      try {
        await directory.write(nameOf(kept), [file]);
        return true;
      } catch (error) {
        if (!(error instanceof StorageFullError)) throw error;
        await directory.remove(nameOf(kept));
        // Room by what is worth least: the oldest but the first, then the first.
        const others = (await list()).filter(({ root }) => root !== kept.root);
        const victim = others[1] ?? others[0];
        if (victim === undefined) return false;
        await directory.remove(nameOf(victim));
      }
    }
  };

  return {
    add: ({ round, root, file }) =>
      queue.run(async () => {
        // A round that was trained again after a crash replaces what it left.
        for (const old of await list()) if (old.round === round) await directory.remove(nameOf(old));
        if (!(await write({ round, root, bytes: file.length }, file))) return false;
        for (const each of surplus(await list(), policy)) await directory.remove(nameOf(each));
        return true;
      }),
    list: () => queue.run(list),
    load: (root) =>
      queue.run(async () => {
        const kept = (await list()).find((each) => each.root === root);
        const file = kept && (await directory.read(nameOf(kept)));
        if (kept === undefined || file === undefined) return undefined;
        if (file.length === kept.bytes && rootOf(file) === root) return file;
        await directory.remove(nameOf(kept));
        return undefined;
      }),
    // Not in the queue: peers go on reading while the next checkpoint is written.
    async read(root, offset, length) {
      const kept = (await list()).find((each) => each.root === root);
      return kept && directory.readPart(nameOf(kept), offset, length);
    },
  };
}

function nameOf({ round, root, bytes }: KeptCheckpoint): string {
  return `after-${round}-${bytes}-${root.slice(2)}`;
}

function parseName(name: string): KeptCheckpoint | undefined {
  const [, round, bytes, root] = /^after-([0-9]{1,15})-([0-9]{1,15})-([0-9a-f]{64})$/.exec(name) ?? [];
  if (root === undefined) return undefined;
  return { round: Number(round), bytes: Number(bytes), root: `0x${root}` };
}

/** Undefined for bytes that are no checkpoint. */
function rootOf(file: Uint8Array): Hex | undefined {
  try {
    return checkpointRoot(file);
  } catch {
    return undefined;
  }
}
