/**
 * Plans that hash tensors: first the leaves of all tensors, then level by level. The results are at the
 * arena's beginning.
 */

import { LEAF_BYTES } from '../../../protocol/merkle.ts';
import { must } from '../../../protocol/must.ts';
import { leavesOf } from '../hashing.ts';
import { Opcode } from './assembly/opcodes.ts';
import type { AddressSlot, Plan } from './plan.ts';

export const HASH_BYTES = 32;
/** Bytes of scratch that a thread needs (assembly/sha256.ts). */
const SCRATCH_BYTES = 672;
/** Bytes hashed in a step that a second thread does not make faster: about 20 µs of one thread. */
const SMALL_STEP = 16_384;
/**
 * Most whole leaves in a step: 16 MiB, about 24 ms of one thread. Between steps the engine checks whether to
 * pause or stop.
 */
const MAX_LEAVES = 4096;
/** RFC 6962's prefixes. */
const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

export const hashInput = (index: number): string => `tensor ${index}`;

type Place = { readonly arena: number } | { readonly tensor: string; readonly bytes: number };

/**
 * Messages of one length, one after another, and where their digests go. `carry` is that of
 * assembly/sha256.ts.
 */
interface Run {
  readonly from: Place;
  readonly count: number;
  readonly to: number;
  readonly carry: boolean;
}

interface HashStep {
  readonly bytes: number;
  readonly prefix: number;
  readonly runs: readonly Run[];
}

/** The root of each tensor, given their sizes in bytes, at the beginning of the arena, one after another. */
export function rootsPlan(sizes: readonly number[], threads: number): Plan {
  let end = aligned(sizes.length * HASH_BYTES);
  const reserve = (hashes: number): number => {
    const place = end;
    end += aligned(hashes * HASH_BYTES);
    return place;
  };
  // The levels of a tree alternate between two places. The root goes to a place of its own.
  const trees = sizes.map((bytes, index) => {
    const count = leavesOf(bytes);
    const root = index * HASH_BYTES;
    return count === 1
      ? { count, root, at: root, next: root }
      : { count, root, at: reserve(count), next: reserve(Math.ceil(count / 2)) };
  });
  const steps = leafSteps(
    sizes,
    trees.map(({ at }) => at),
  );
  while (trees.some(({ count }) => count > 1)) {
    const runs: Run[] = [];
    for (const tree of trees) {
      if (tree.count === 1) continue;
      const to = tree.count === 2 ? tree.root : tree.next;
      const count = Math.floor(tree.count / 2);
      runs.push({ from: { arena: tree.at }, count, to, carry: tree.count % 2 === 1 });
      tree.count = Math.ceil(tree.count / 2);
      [tree.at, tree.next] = [to, tree.at];
    }
    steps.push({ bytes: 2 * HASH_BYTES, prefix: NODE_PREFIX, runs });
  }
  return planOf(steps, sizes, end, threads);
}

/** The leaf hashes of one tensor at the beginning of the arena. */
export function leavesPlan(bytes: number, threads: number): Plan {
  return planOf(leafSteps([bytes], [0]), [bytes], aligned(leavesOf(bytes) * HASH_BYTES), threads);
}

/** Steps over whole leaves, as many as a step may have, and over the shorter last leaves, by their length. */
function leafSteps(sizes: readonly number[], at: readonly number[]): HashStep[] {
  const whole: Run[][] = [];
  let room = 0;
  const short = new Map<number, Run[]>();
  for (const [index, bytes] of sizes.entries()) {
    const run = (first: number, count: number): Run => ({
      from: { tensor: hashInput(index), bytes: first * LEAF_BYTES },
      count,
      to: must(at, index) + first * HASH_BYTES,
      carry: false,
    });
    const leaves = Math.floor(bytes / LEAF_BYTES);
    for (let first = 0; first < leaves; ) {
      if (room === 0) {
        whole.push([]);
        room = MAX_LEAVES;
      }
      const count = Math.min(room, leaves - first);
      whole.at(-1)?.push(run(first, count));
      first += count;
      room -= count;
    }
    const rest = bytes % LEAF_BYTES;
    if (rest > 0) short.set(rest, [...(short.get(rest) ?? []), run(leaves, 1)]);
  }
  return [...whole.map((runs) => [LEAF_BYTES, runs] as const), ...short].map(([bytes, runs]) => ({
    bytes,
    prefix: LEAF_PREFIX,
    runs,
  }));
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

function planOf(
  steps: readonly HashStep[],
  sizes: readonly number[],
  scratch: number,
  threads: number,
): Plan {
  const code: number[] = [];
  const starts: number[] = [];
  const bound = new Map<string, AddressSlot[]>();
  const arena: AddressSlot[] = [];
  const put = (place: Place): void => {
    const at = code.push(0) - 1;
    if ('arena' in place) arena.push({ index: at, bytes: place.arena });
    else bound.set(place.tensor, [...(bound.get(place.tensor) ?? []), { index: at, bytes: place.bytes }]);
  };
  for (const { bytes, prefix, runs } of steps) {
    starts.push(code.length);
    code.push(Opcode.HashMany, runs.length, bytes, prefix);
    put({ arena: scratch });
    for (const { from, count, to, carry } of runs) {
      put(from);
      code.push(count);
      put({ arena: to });
      code.push(carry ? 1 : 0);
    }
  }
  const small = sizes.reduce((sum, bytes) => sum + bytes, 0) < SMALL_STEP * steps.length;
  const arenaBytes = scratch + SCRATCH_BYTES * threads;
  const none = { nodes: [], prepacked: [], written: [] };
  return { code: Int32Array.from(code), starts, ...none, bound, arena, arenaBytes, small };
}
