import { SLOT_KIND, type Slot } from '../../protocol/evidence.ts';
import { operatorName } from './operator-names.ts';
import { MAX_LEAVES, WORDS_A_LEAF } from './port.ts';

/** The most chunks of a fold: their accumulators fit a transaction of 128 KiB with room to spare. */
const MAX_CHUNKS = 2048;

/**
 * Operators that fold: the two attributes whose quotient is the number of terms, and the terms of a chunk.
 */
const FOLDS: ReadonlyMap<string, readonly [count: number, by: number | undefined, chunk: number]> = new Map([
  ['embed.grad', [0, undefined, 16]],
  ['matmul', [2, undefined, 64]],
  ['bias.grad', [0, undefined, 64]],
  ['rms.grad.gain', [0, undefined, 64]],
  ['attention.grad.kv', [3, 4, 1]],
  ['loss.weighted', [0, undefined, 64]],
  ['norm.square', [0, undefined, 64]],
]);

function chunksOf({ op, attributes }: Slot['node']): number {
  const fold = FOLDS.get(operatorName(op));
  if (fold === undefined) return 0;
  const [count, by, chunk] = fold;
  const terms = (attributes[count] ?? 0) / (by === undefined ? 1 : (attributes[by] ?? 1));
  return Math.ceil(terms / chunk);
}

/**
 * Why a claim under this program could not be defended, in a sentence; undefined when every slot can be
 * judged. The contract holds only the program's hash, so it takes such a claim; its author then has no move
 * and loses the bond. Check before claiming, and before paying for a job.
 */
export function unjudgeable(program: readonly Slot[]): string | undefined {
  const last = program.length - 1;
  for (const [i, { kind, inputs, names, node }] of program.entries()) {
    if ((kind === SLOT_KIND.compose) !== (i === last)) {
      return `Slot ${i} is of the wrong kind: the last one, and no other, composes the checkpoint.`;
    }
    if (inputs.some((input) => input >= i)) return `Slot ${i} takes what comes after it.`;
    if (kind === SLOT_KIND.compose && (inputs.length === 0 || names.length < inputs.length - 1)) {
      return `Slot ${i} composes a checkpoint without names for its tensors.`;
    }
    if (kind !== SLOT_KIND.output) continue;
    if (inputs.length !== node.lengths.length) return `Slot ${i} has not a length for each input.`;
    const longest = Math.max(node.length, ...node.lengths);
    if (node.length === 0 || longest > MAX_LEAVES * WORDS_A_LEAF) {
      return `Slot ${i} has a tensor of ${longest} elements; from 1 to ${MAX_LEAVES * WORDS_A_LEAF} can be judged.`;
    }
    const chunks = chunksOf(node);
    if (chunks > MAX_CHUNKS) {
      return `Slot ${i} is a sum of ${chunks} chunks; at most ${MAX_CHUNKS} fit a transaction.`;
    }
    for (const [k, input] of inputs.entries()) {
      const made = program[input];
      if (made?.kind === SLOT_KIND.output && made.node.length !== node.lengths[k]) {
        return `Slot ${i} takes slot ${input} for a tensor of another length.`;
      }
    }
  }
  return undefined;
}
