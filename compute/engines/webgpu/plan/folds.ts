/**
 * Steps of fixed-order folds (docs/repops.md): sums of blocks of 64 terms, then the sum of the block sums.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { type DispatchStep, dispatch, type Operand } from './steps.ts';

/** Fold blocks of `length` terms. */
export function blocksOf(length: number): number {
  return Math.ceil(length / FOLD_BLOCK);
}

/** What becomes of a sum at the end of a fold; `rstd` is RMSNorm's rsqrt(add(mul(sum, invD), eps)). */
export type FoldResult =
  | { readonly kind: 'sum' }
  | { readonly kind: 'negated' }
  | { readonly kind: 'rstd'; readonly invD: number; readonly eps: number };

export interface CombineOptions {
  readonly partials: Operand;
  readonly out: Operand;
  /** Number of outputs. */
  readonly count: number;
  /** Block sums of each output. */
  readonly blocks: number;
  /**
   * Distance in `partials` from one output's block sums to the next output's, and from one block to the next.
   */
  readonly itemStride: number;
  readonly blockStride: number;
  /** Defaults to the sum itself. */
  readonly result?: FoldResult;
}

/** Adds block sums in order: the second level of a fold. */
export function combineBlocks(options: CombineOptions): DispatchStep {
  const { partials, out, count, blocks, itemStride, blockStride, result = { kind: 'sum' } } = options;
  const { invD, eps } = result.kind === 'rstd' ? result : { invD: 0, eps: 0 };
  return dispatch('fold.combine', {
    entry: result.kind === 'sum' ? 'main' : result.kind,
    items: count,
    params: { count, blocks, itemStride, blockStride, invD, eps },
    bindings: { partials, out },
  });
}

/** Terms of a fold along rows: x, x * x or x * y. */
export type FoldTerms =
  | { readonly kind: 'values'; readonly x: Operand }
  | { readonly kind: 'squares'; readonly x: Operand }
  | { readonly kind: 'products'; readonly x: Operand; readonly y: Operand };

export interface FoldRowsOptions {
  readonly terms: FoldTerms;
  /** Takes the block sums, [rows, blocks]. */
  readonly partials: Operand;
  readonly rows: number;
  /** Terms of a row. */
  readonly length: number;
}

/** Sums the blocks of each row: the first level of a fold. */
export function foldRows({ terms, partials, rows, length }: FoldRowsOptions): DispatchStep {
  const blocks = blocksOf(length);
  const work = { items: rows * blocks, params: { rows, length, blocks } };
  const { x } = terms;
  switch (terms.kind) {
    case 'values':
      return dispatch('fold.block', { ...work, bindings: { x, partials } });
    case 'squares':
      return dispatch('fold.block', { ...work, entry: 'squares', bindings: { x, partials } });
    case 'products':
      return dispatch('fold.block', { ...work, entry: 'products', bindings: { x, y: terms.y, partials } });
  }
}
