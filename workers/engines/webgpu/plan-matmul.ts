/** Steps of a product: which kernel, in which shape, and whether its folds are divided over workgroups. */
import { blocksOf, combine } from './plan-dense.ts';
import {
  dispatch,
  groupDispatch,
  lineOf,
  type NodeView,
  type Operand,
  type Planner,
  type Step,
} from './steps.ts';
import { type DirectShape, type TileShape, tileConstants, tileSides } from './tuning.ts';

/** Products of at most this many rows take the kernel that reads b once. */
export const MOST_THIN_ROWS = 8;
/** Words of scratch that a product divided into fold blocks may take. */
const MAX_BLOCK_WORDS = 2 ** 24;
/** Words of scratch that both operands of matmul.direct may take packed. */
const MAX_PACKED_WORDS = 2 ** 24;
/** Longest fold of matmul.direct, in pairs: some drivers end a loop that goes round more often than 65,535 times. */
const MOST_DIRECT_PAIRS = 2 ** 14;
/** As in shaders/matmul.pack.wgsl. */
const PAIRS_AN_INVOCATION = 16;

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
  if (product.M <= MOST_THIN_ROWS) return [thin(node, product)];
  const { direct: shape, minTiles } = node.tuning;
  return shape !== undefined && fitsDirect(product) && directGroups(shape, product) >= minTiles
    ? direct(node, product, shape)
    : tiled(node, product);
};

function fitsDirect({ M, N, K }: Product): boolean {
  const pairs = Math.ceil(K / 2);
  return pairs <= MOST_DIRECT_PAIRS && (M + N) * pairs <= MAX_PACKED_WORDS;
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
    packed({ x: node.input(0), out: a, lines: M, K, alongK: aAlongK, bf16: false, strides: [pairs, 1] }),
    packed({ x: node.input(1), out: b, lines: N, K, alongK: bAlongK, bf16, strides: [1, N] }),
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
  readonly x: Operand;
  readonly out: Operand;
  readonly lines: number;
  readonly K: number;
  readonly alongK: boolean;
  readonly bf16: boolean;
  /** Distances in the packed operand of lines and of pairs. */
  readonly strides: readonly [line: number, pair: number];
}): Step {
  const pairs = Math.ceil(o.K / 2);
  return dispatch({
    kernel: 'matmul.pack',
    items: o.lines * Math.ceil(pairs / PAIRS_AN_INVOCATION),
    constants: { BF16: o.bf16 ? 1 : 0 },
    params: [o.lines, o.K, pairs, ...(o.alongK ? [o.K, 1] : [1, o.lines]), ...o.strides],
    bindings: { 1: o.x, 2: o.out },
  });
}

function thin(node: NodeView, { M, N, K, aAlongK, bAlongK, bf16 }: Product): Step {
  const { lanesN, lanesK } = node.tuning.thin;
  const rows = [1, 2, 4].find((most) => M <= most) ?? MOST_THIN_ROWS;
  const columns = bAlongK ? lanesN : 4 * lanesN;
  return {
    kind: 'dispatch',
    kernel: 'matmul.thin',
    entry: bAlongK ? 'along_k' : 'along_n',
    constants: {
      VECTORS: (bAlongK ? K : N) % 4 === 0 ? 1 : 0,
      BF16: bf16 ? 1 : 0,
      ROWS: rows,
      LANES_N: lanesN,
      LANES_K: lanesK,
    },
    params: [M, N, K, ...(aAlongK ? [K, 1] : [1, M]), bAlongK ? K : N],
    bindings: { 1: node.input(0), 2: node.input(1), 3: node.output(0) },
    groups: [...lineOf(Math.ceil(N / columns)), 1],
  };
}

function tiled(node: NodeView, product: Product): readonly Step[] {
  const { M, N, K } = product;
  const { large, small, minTiles } = node.tuning;
  const c = node.output(0);
  if (tilesOf(large, product) >= minTiles) return [tiles(node, product, large, c, 1)];
  const blocks = blocksOf(K);
  const divided = blocks > 1 && tilesOf(small, product) < minTiles && M * N * blocks <= MAX_BLOCK_WORDS;
  if (!divided) return [tiles(node, product, small, c, 1)];
  const count = M * N;
  const partials = node.scratch(count * blocks);
  return [
    tiles(node, product, small, partials, blocks),
    combine({ partials, out: c, count, blocks, itemStride: 1, blockStride: count }),
  ];
}

function tilesOf(shape: TileShape, { M, N }: Product): number {
  const [m, n] = tileSides(shape);
  return Math.ceil(M / m) * Math.ceil(N / n);
}

function tiles(node: NodeView, product: Product, shape: TileShape, out: Operand, parts: number): Step {
  const { M, N, K, aAlongK, bAlongK, bf16 } = product;
  const inFours = [aAlongK ? K : M, bAlongK ? K : N, N].every((size) => size % 4 === 0);
  const count = tilesOf(shape, product);
  return {
    kind: 'dispatch',
    kernel: 'matmul.tile',
    entry: 'main',
    constants: { ...tileConstants(shape), VECTORS: inFours ? 1 : 0, BF16: bf16 ? 1 : 0 },
    params: [
      ...[M, N, K],
      ...[aAlongK ? 1 : 0, aAlongK ? K : M],
      ...[bAlongK ? 1 : 0, bAlongK ? K : N],
      ...[Math.ceil(N / tileSides(shape)[1]), count, parts],
    ],
    bindings: { 1: node.input(0), 2: node.input(1), 3: out },
    groups: [...lineOf(count * parts), 1],
  };
}
