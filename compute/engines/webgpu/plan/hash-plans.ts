/** Plans that hash tensors: leaves, then level by level, all tensors in one submission. */
import { leavesOf } from '../../hashing.ts';
import { assignSlots, locationsOf, type PlannedStep } from './memory-slots.ts';
import type { Plan } from './plan.ts';
import { type DispatchStep, dispatch, type Operand } from './steps.ts';

/** Words of one hash. */
export const HASH_WORDS = 8;

/** Name of the tensor that takes the roots, or the leaf hashes. */
export const HASHES = 'hashes';

/** Name of the `index`-th tensor to hash. */
export const hashInput = (index: number): string => `tensor ${index}`;

/**
 * Writes the root of each tensor into `HASHES`, one after another. `sizes` are the tensors' sizes in bytes.
 */
export function planRoots(sizes: readonly number[]): Plan {
  let scratches = 0;
  const scratch = (hashes: number): Operand => ({
    kind: 'scratch',
    id: scratches++,
    words: hashes * HASH_WORDS,
  });
  const steps: PlannedStep[] = [];
  for (const [index, bytes] of sizes.entries()) {
    const leaves = leavesOf(bytes);
    let level = scratch(leaves);
    steps.push({ step: leavesStep(index, bytes, level) });
    for (let count = leaves; count > 1; count = Math.ceil(count / 2)) {
      const nodes = Math.ceil(count / 2);
      const out = scratch(nodes);
      const bindings = { below: level, out };
      steps.push({ step: dispatch('sha256.nodes', { items: nodes, params: { count }, bindings }) });
      level = out;
    }
    const to: Operand = { kind: 'tensor', name: HASHES };
    steps.push({ step: { kind: 'copy', from: level, to, at: index * HASH_WORDS, words: HASH_WORDS } });
  }
  return planOf(steps);
}

/** Writes the leaf hashes of one tensor of `bytes` bytes into `HASHES`. */
export function planLeaves(bytes: number): Plan {
  return planOf([{ step: leavesStep(0, bytes, { kind: 'tensor', name: HASHES }) }]);
}

function leavesStep(index: number, bytes: number, out: Operand): DispatchStep {
  const leaves = leavesOf(bytes);
  return dispatch('sha256.leaves', {
    items: leaves,
    params: { bytes, leaves },
    bindings: { data: { kind: 'tensor', name: hashInput(index) }, out },
  });
}

function planOf(steps: readonly PlannedStep[]): Plan {
  const { slots, slotOf } = assignSlots(steps, (operand) =>
    operand.kind === 'scratch' ? operand.words : undefined,
  );
  return {
    steps,
    slots,
    indexChecks: [],
    written: new Set(),
    prepackable: new Map(),
    locate: locationsOf(slotOf),
  };
}
