/** Adds up the gradients of a step's microbatches, in an order that does not depend on who computes them. */
import type { ParameterSpec } from '../decoder/config.ts';
import type { Block } from './block-plan.ts';
import type { StepBuilder } from './hop.ts';
import { sumProgram } from './hop-programs.ts';

/**
 * How the gradients of microbatches are added up. `tree`: a fixed binary tree over their indices, so that any
 * device can hold any subtree. `index`: one after another, which gives the bits of one large batch.
 */
export type SumOrder = 'tree' | 'index';

/** A block's gradients of one microbatch: the recipe's tensor for each part that is added up. */
export type Leaf = ReadonlyMap<string, string>;

/**
 * Adds up the gradients of a block. A microbatch that skips the block is a leaf of +0, and add(x, +0) = x, so
 * its node is left out. Returns undefined when every microbatch skips the block.
 */
export function sumLeaves(
  b: StepBuilder,
  block: Block,
  leaves: readonly (Leaf | undefined)[],
  o: { readonly count: number; readonly order: SumOrder; readonly partOf: (name: string) => ParameterSpec },
): Leaf | undefined {
  const add = (left: Leaf | undefined, right: Leaf | undefined, range: string): Leaf | undefined => {
    if (left === undefined || right === undefined) return left ?? right;
    if (left.size === 0) return left;
    const parts = [...left.keys()].map(o.partOf);
    const program = b.program(`sum ${block.id}`, () => sumProgram(`sum ${block.id}`, parts));
    const rename: Record<string, string> = {};
    const sum = new Map<string, string>();
    for (const { name, shape } of parts) {
      const total = b.between(`sum.${range}.${name}`, shape);
      sum.set(name, total);
      rename[`left.${name}`] = left.get(name) ?? name;
      rename[`right.${name}`] = right.get(name) ?? name;
      rename[`sum.${name}`] = total;
    }
    b.hop({ kind: 'sum', block }, program, rename);
    return sum;
  };
  if (o.order === 'index') {
    let sum: Leaf | undefined;
    for (let m = 0; m < o.count; m++) sum = add(sum, leaves[m], `0-${m}`);
    return sum;
  }
  /** The sum of the microbatches from `first` on, `size` of them, a power of two. */
  const subtree = (first: number, size: number): Leaf | undefined => {
    if (first >= o.count) return undefined;
    if (size === 1) return leaves[first];
    const half = size / 2;
    return add(subtree(first, half), subtree(first + half, half), `${first}-${first + size - 1}`);
  };
  return subtree(0, 2 ** Math.ceil(Math.log2(o.count)));
}
