/** Steps of a product: which kernel, in which shape, and whether its folds are divided over workgroups. */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { type DirectShape, type TileShape, tileConstants, tileSides } from '../tuning/tuning.ts';
import { blocksOf, combine } from './dense-planners.ts';
import {
  DIRECT_BLOCK,
  mostBlocks,
  PACKED_PAIRS,
  THIN_BESIDES,
  thinRoundRounds,
  tileBlockRounds,
} from './loop-iterations.ts';
import {
  dispatch,
  groupDispatch,
  lineOf,
  type NodeView,
  type Operand,
  type Planner,
  type Step,
} from './steps.ts';

/** Products of at most this many rows take the kernel that reads b once. */
export const MOST_THIN_ROWS = 8;
/** Words of scratch that a product divided into fold blocks may take. */
const MAX_BLOCK_WORDS = 2 ** 24;
/** Words of scratch that both operands of matmul.direct may take packed. */
const MAX_PACKED_WORDS = 2 ** 24;

interface Product {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Whether neighbours in memory are neighbours along k. */
  readonly aAlongK: boolean;
  readonly bAlongK: boolean;
  readonly bf16: boolean;
}

export const matmul: Planner = (node) => {
  const product: Product = {
    M: node.a('M'),
    N: node.a('N'),
    K: node.a('K'),
    aAlongK: node.a('transposeA') !== 1,
    bAlongK: node.a('transposeB') === 1,
    bf16: node.isBf16(1),
  };
  if (product.M <= MOST_THIN_ROWS) return thin(node, product);
  const { direct: shape, minTiles } = node.tuning;
  return shape !== undefined && fitsDirect(product) && directGroups(shape, product) >= minTiles
    ? direct(node, product, shape)
    : tiled(node, product);
};

function fitsDirect({ M, N, K }: Product): boolean {
  return blocksOf(K) <= mostBlocks(DIRECT_BLOCK, 0) && (M + N) * Math.ceil(K / 2) <= MAX_PACKED_WORDS;
}

function directGroups({ rows, cols, lanes }: DirectShape, { M, N }: Product): number {
  return Math.ceil(M / rows) * Math.ceil(N / (cols * lanes));
}

function direct(node: NodeView, product: Product, shape: DirectShape): readonly Step[] {
  const { M, N, K, aAlongK, bAlongK, bf16 } = product;
  const { rows, cols, lanes } = shape;
  const pairs = Math.ceil(K / 2);
  const a = node.scratch(M * pairs);
  const b = node.scratch(N * pairs);
  return [
    packed({
      entry: 'main',
      x: node.input(0),
      out: a,
      lines: M,
      K,
      pairs,
      alongK: aAlongK,
      bf16: false,
      strides: [pairs, 1],
    }),
    packed({
      entry: 'main',
      x: node.input(1),
      out: b,
      lines: N,
      K,
      pairs,
      alongK: bAlongK,
      bf16,
      strides: [1, N],
    }),
    groupDispatch({
      kernel: 'matmul.direct',
      workgroups: directGroups(shape, product),
      constants: { ROWS: rows, COLS: cols, LANES: lanes },
      params: [M, N, pairs, Math.ceil(N / (cols * lanes))],
      bindings: { 1: a, 2: b, 3: node.output(0) },
    }),
  ];
}

function packed(o: {
  /** Two bf16 a word, or f32. */
  readonly entry: 'main' | 'rounded';
  readonly x: Operand;
  readonly out: Operand;
  readonly lines: number;
  readonly K: number;
  /** Pairs of a line, those beyond K included. */
  readonly pairs: number;
  readonly alongK: boolean;
  readonly bf16: boolean;
  /** Distances in the packed operand of lines and of pairs. */
  readonly strides: readonly [line: number, pair: number];
}): Step {
  return dispatch({
    kernel: 'matmul.pack',
    entry: o.entry,
    items: o.lines * Math.ceil(o.pairs / PACKED_PAIRS),
    constants: { BF16: o.bf16 ? 1 : 0 },
    params: [o.lines, o.K, o.pairs, ...(o.alongK ? [o.K, 1] : [1, o.lines]), ...o.strides],
    bindings: { 1: o.x, [o.entry === 'main' ? 2 : 3]: o.out },
  });
}

/** The parts of a fold of K, of at most `blocks` blocks each, for dispatches that go on where the one before stopped. */
function spans(K: number, blocks: number): readonly { readonly first: number; readonly last: number }[] {
  const length = blocks * FOLD_BLOCK;
  return Array.from({ length: Math.ceil(K / length) }, (_, part) => ({
    first: part * length,
    last: Math.min((part + 1) * length, K),
  }));
}

function thin(node: NodeView, { M, N, K, aAlongK, bAlongK, bf16 }: Product): readonly Step[] {
  const { lanesN, lanesK } = node.tuning.thin;
  const rows = [1, 2, 4].find((most) => M <= most) ?? MOST_THIN_ROWS;
  const columns = bAlongK ? lanesN : 4 * lanesN;
  const most = mostBlocks(thinRoundRounds(rows, lanesK), THIN_BESIDES) * lanesK;
  const padded = Math.ceil(K / 4) * 4;
  const a = node.scratch(M * padded);
  const round = packed({
    entry: 'rounded',
    x: node.input(0),
    out: a,
    lines: M,
    K,
    pairs: padded / 2,
    alongK: aAlongK,
    bf16: false,
    strides: [padded, 2],
  });
  const folds = spans(K, most).map(({ first, last }) => ({
    kind: 'dispatch' as const,
    kernel: 'matmul.thin',
    entry: bAlongK ? 'along_k' : 'along_n',
    constants: {
      VECTORS: (bAlongK ? K : N) % 4 === 0 ? 1 : 0,
      BF16: bf16 ? 1 : 0,
      ROWS: rows,
      LANES_N: lanesN,
      LANES_K: lanesK,
    },
    params: [M, N, last, padded / 4, bAlongK ? K : N, first],
    bindings: { 1: a, 2: node.input(1), 3: node.output(0) },
    groups: [...lineOf(Math.ceil(N / columns)), 1] as const,
  }));
  return [round, ...folds];
}

function tiled(node: NodeView, product: Product): readonly Step[] {
  const { M, N, K } = product;
  const { large, small, minTiles } = node.tuning;
  const c = node.output(0);
  if (tilesOf(large, product) >= minTiles) return chain(node, product, large, c);
  const blocks = blocksOf(K);
  const divided = blocks > 1 && tilesOf(small, product) < minTiles && M * N * blocks <= MAX_BLOCK_WORDS;
  if (!divided) return chain(node, product, small, c);
  const count = M * N;
  const partials = node.scratch(count * blocks);
  return [
    tiles(node, product, small, partials, { first: 0, last: K, parts: blocks }),
    combine({ partials, out: c, count, blocks, itemStride: 1, blockStride: count }),
  ];
}

function tilesOf(shape: TileShape, { M, N }: Product): number {
  const [m, n] = tileSides(shape);
  return Math.ceil(M / m) * Math.ceil(N / n);
}

/** The whole fold in one dispatch, or in as many as keep an invocation's rounds within bounds, each going on in c. */
function chain(node: NodeView, product: Product, shape: TileShape, c: Operand): readonly Step[] {
  return spans(product.K, mostBlocks(tileBlockRounds(shape), 0)).map((span) =>
    tiles(node, product, shape, c, { ...span, parts: 1 }),
  );
}

/** Which values of k a dispatch folds, and whether it leaves each block's sum apart (as many parts as blocks). */
interface Span {
  readonly first: number;
  readonly last: number;
  readonly parts: number;
}

function tiles(node: NodeView, product: Product, shape: TileShape, out: Operand, span: Span): Step {
  const { M, N, K, aAlongK, bAlongK, bf16 } = product;
  const inFours = [aAlongK ? K : M, bAlongK ? K : N, N].every((size) => size % 4 === 0);
  const count = tilesOf(shape, product);
  return {
    kind: 'dispatch',
    kernel: 'matmul.tile',
    entry: 'main',
    constants: { ...tileConstants(shape), VECTORS: inFours ? 1 : 0, BF16: bf16 ? 1 : 0 },
    params: [
      ...[M, N, span.last],
      ...[aAlongK ? 1 : 0, aAlongK ? K : M],
      ...[bAlongK ? 1 : 0, bAlongK ? K : N],
      ...[Math.ceil(N / tileSides(shape)[1]), count, span.parts, span.first],
    ],
    bindings: { 1: node.input(0), 2: node.input(1), 3: out },
    groups: [...lineOf(count * span.parts), 1],
  };
}
