/** Plans that hash tensors: leaves and then level by level, in the arena, the results at its beginning. */
import { leavesOf } from '../hashing.ts';
import { Opcode } from './assembly/opcodes.ts';
import type { AddressSlot, Plan } from './plan.ts';

export const HASH_BYTES = 32;
/** Bytes of scratch that a thread needs (assembly/sha256.ts). */
const SCRATCH_BYTES = 640;
/** Bytes of tensors to a step that a second thread hashes no faster: some 20 µs of one thread. */
const SMALL_STEP = 16_384;

export const hashInput = (index: number): string => `tensor ${index}`;

type HashWord = number | { readonly arena: number } | { readonly tensor: string };

/** The root of each tensor, given their sizes in bytes, at the beginning of the arena, one after another. */
export function rootsPlan(sizes: readonly number[], threads: number): Plan {
  const roots = aligned(sizes.length * HASH_BYTES);
  const mostLeaves = Math.max(...sizes.map(leavesOf));
  const even = roots;
  const odd = even + aligned(mostLeaves * HASH_BYTES);
  const scratch = odd + aligned(Math.ceil(mostLeaves / 2) * HASH_BYTES);
  const steps: (readonly HashWord[])[] = [];
  for (const [index, bytes] of sizes.entries()) {
    const root = index * HASH_BYTES;
    const leaves = leavesOf(bytes);
    let level = leaves === 1 ? root : even;
    steps.push(leavesStep(index, bytes, level, scratch));
    for (let count = leaves; count > 1; count = Math.ceil(count / 2)) {
      const next = count === 2 ? root : level === even ? odd : even;
      steps.push([Opcode.HashNodes, { arena: level }, count, { arena: next }, { arena: scratch }]);
      level = next;
    }
  }
  return planOf(steps, scratch + SCRATCH_BYTES * threads, sizes);
}

/** The leaf hashes of one tensor at the beginning of the arena. */
export function leavesPlan(bytes: number, threads: number): Plan {
  const scratch = aligned(leavesOf(bytes) * HASH_BYTES);
  return planOf([leavesStep(0, bytes, 0, scratch)], scratch + SCRATCH_BYTES * threads, [bytes]);
}

function leavesStep(index: number, bytes: number, out: number, scratch: number): readonly HashWord[] {
  return [Opcode.HashLeaves, { tensor: hashInput(index) }, bytes, { arena: out }, { arena: scratch }];
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

function planOf(steps: readonly (readonly HashWord[])[], arenaBytes: number, sizes: readonly number[]): Plan {
  const words: number[] = [];
  const starts: number[] = [];
  const bound = new Map<string, AddressSlot[]>();
  const arena: AddressSlot[] = [];
  for (const step of steps) {
    starts.push(words.length);
    for (const word of step) {
      if (typeof word === 'number') {
        words.push(word);
        continue;
      }
      const at = words.push(0) - 1;
      if ('arena' in word) arena.push({ word: at, bytes: word.arena });
      else bound.set(word.tensor, [...(bound.get(word.tensor) ?? []), { word: at, bytes: 0 }]);
    }
  }
  const small = sizes.reduce((sum, bytes) => sum + bytes, 0) < SMALL_STEP * steps.length;
  return { words: Int32Array.from(words), starts, nodes: [], bound, arena, arenaBytes, small };
}
