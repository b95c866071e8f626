import type { SlotNode } from '../../../protocol/evidence.ts';
import type { LeafOpening } from '../port.ts';

/** One operator application and the leaves opened of its inputs, each already shown to be in its input. */
export interface OpenedCall {
  readonly node: SlotNode;
  readonly openings: readonly Pick<LeafOpening, 'input' | 'leaf' | 'data'>[];
}

/**
 * The arithmetic that the game ends in (docs/repops.md), given to the model so that this room needs no engine. Values are bits of f32
 * or u32. Where a leaf is missing the answer is undefined; every other input has a verdict.
 */
export interface ModelJudge {
  /** Whether elements of this operator are long sums, judged one chunk at a time. */
  folds(op: number): boolean;
  element(call: OpenedCall, index: number): number | undefined;
  /** The accumulator after one chunk, given the one before it, and how many chunks the fold has. */
  chunkOf(
    call: OpenedCall,
    index: number,
    chunk: number,
    before: number,
  ): { readonly accumulator: number; readonly chunks: number } | undefined;
  /** The element whose fold has these accumulators. */
  total(op: number, accumulators: readonly number[]): number;
  /** The most chunks that a fold of this node can have. */
  chunkLimit(node: SlotNode): number;
}
