import type { SlotNode } from '../../../protocol/evidence.ts';
import type { LeafOpening } from '../port.ts';

/** One operator application and the opened leaves of its inputs. The path of each was verified before. */
export interface OpenedCall {
  readonly node: SlotNode;
  readonly openings: readonly Pick<LeafOpening, 'input' | 'leaf' | 'data'>[];
}

/**
 * The arithmetic that a game ends in (docs/repops.md). It is an interface because this room has no engine.
 * Values are bits of f32 or u32. The answer is undefined if a leaf is missing; every other input has a
 * verdict.
 */
export interface ReferenceJudge {
  /** Whether elements of this operator are long sums, which are judged one chunk at a time. */
  folds(op: number): boolean;
  /** The element at `index` of the operator's output. */
  element(call: OpenedCall, index: number): number | undefined;
  /**
   * The accumulator after one chunk, computed from the one before it, and the number of chunks of the fold.
   */
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
