/**
 * Steps of a product: which kernel, with which tile sizes, and whether its folds are divided over workgroups.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { kernelConstants } from '../shader/kernel-interface.ts';
import { type RegisterTileShape, type TileShape, tileConstants, tileSides } from '../tuning/tuning.ts';
import { blocksOf, combineBlocks } from './folds.ts';
import {
  GEMV_FIXED,
  gemvIterations,
  maxLoopLength,
  REGISTER_TILED_BLOCK,
  tileBlockIterations,
} from './loop-iterations.ts';
import type { NodeView, Planner } from './node-view.ts';
import { type DispatchStep, dispatch, type Operand, type Step } from './steps.ts';

/** Products of at most this many rows use matmul.gemv, which reads each value of b once. */
const MAX_GEMV_ROWS = 8;
/** Numbers of rows that matmul.gemv is compiled for. */
const GEMV_ROWS = [1, 2, 4, MAX_GEMV_ROWS];
/** Words of scratch memory for the block sums of a product that is divided into its fold blocks. */
const MAX_BLOCK_WORDS = 2 ** 24;
/** Words of scratch memory for both packed operands of matmul.register-tiled. */
const MAX_PACKED_WORDS = 2 ** 24;

/** Outputs of an invocation of matmul.register-tiled for few rows. */
const MAX_TILE_OUTPUTS = 64;

interface Product {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Whether neighbours in memory are neighbours along k. */
  readonly aAlongK: boolean;
  readonly bAlongK: boolean;
  /** Whether b is stored as bf16. */
  readonly bf16: boolean;
}

type ProductNode = NodeView<'matmul'>;

export const matmul: Planner<'matmul'> = (node) => {
  const { M, N, K, transposeA, transposeB } = node.attributes;
  const product: Product = {
    M,
    N,
    K,
    aAlongK: transposeA !== 1,
    bAlongK: transposeB === 1,
    bf16: node.isBf16('b'),
  };
  const { registerTiled: shape, fewRows, minTiles } = node.tuning;
  if (M <= MAX_GEMV_ROWS) {
    return copyOf(node, product) !== undefined && fewRows !== undefined && fitsRegisterTiled(node, product)
      ? registerTiled(node, product, fewRowsShape(M, fewRows))
      : gemv(node, product);
  }
  return shape !== undefined && fitsRegisterTiled(node, product) && registerTiles(shape, product) >= minTiles
    ? registerTiled(node, product, shape)
    : tiled(node, product);
};

/** The prepacked copy of b, if there is one that this product can read. */
function copyOf(node: ProductNode, { N, K, bAlongK }: Product): Operand | undefined {
  return bAlongK ? node.prepacked('b', N, K) : undefined;
}

function fitsRegisterTiled(node: ProductNode, product: Product): boolean {
  const { M, N, K } = product;
  const maxBlocks = maxLoopLength({ perIteration: REGISTER_TILED_BLOCK, fixed: 0 });
  const lines = copyOf(node, product) === undefined ? M + N : M;
  return blocksOf(K) <= maxBlocks && lines * Math.ceil(K / 2) <= MAX_PACKED_WORDS;
}

/** Workgroups of matmul.register-tiled. */
function registerTiles({ rows, cols, lanes }: RegisterTileShape, { M, N }: Product): number {
  return Math.ceil(M / rows) * Math.ceil(N / (cols * lanes));
}

/** The rows of a kernel that computes M <= MAX_GEMV_ROWS rows. */
function gemvRows(M: number): number {
  return GEMV_ROWS.find((held) => M <= held) ?? MAX_GEMV_ROWS;
}

/** Tiles for M <= MAX_GEMV_ROWS rows, of no more outputs an invocation than registers hold. */
function fewRowsShape(M: number, { cols, lanes }: Omit<RegisterTileShape, 'rows'>): RegisterTileShape {
  const rows = gemvRows(M);
  return { rows, cols: Math.max(1, Math.min(cols, Math.floor(MAX_TILE_OUTPUTS / rows))), lanes };
}

function registerTiled(node: ProductNode, product: Product, shape: RegisterTileShape): readonly Step[] {
  const { M, N, K, aAlongK, bAlongK, bf16 } = product;
  const { rows, cols, lanes } = shape;
  const pairs = Math.ceil(K / 2);
  const a = node.scratch(M * pairs);
  const copy = copyOf(node, product);
  const b = copy ?? node.scratch(N * pairs);
  const left = packing({
    lines: M,
    K,
    pairs,
    alongK: aAlongK,
    bf16: false,
    packedLine: pairs,
    packedPair: 1,
  });
  return [
    dispatch('matmul.pack', { ...left, bindings: { x: node.inputs.a, packed: a } }),
    ...(copy === undefined ? [packRight({ N, K, alongK: bAlongK, bf16 }, node.inputs.b, b)] : []),
    dispatch('matmul.register-tiled', {
      workgroups: registerTiles(shape, product),
      constants: { ROWS: rows, COLS: cols, LANES: lanes },
      params: { M, N, pairs, tilesN: Math.ceil(N / (cols * lanes)) },
      bindings: { a, b, c: node.outputs.c },
    }),
  ];
}

/** Packs the right operand of matmul.register-tiled: [pairs][N], two neighbours along k a word. */
export function packRight(
  matrix: { readonly N: number; readonly K: number; readonly alongK: boolean; readonly bf16: boolean },
  x: Operand,
  packed: Operand,
): DispatchStep {
  const { N, K, alongK, bf16 } = matrix;
  const pairs = Math.ceil(K / 2);
  const work = packing({ lines: N, K, pairs, alongK, bf16, packedLine: 1, packedPair: N });
  return dispatch('matmul.pack', { ...work, bindings: { x, packed } });
}

interface PackingOptions {
  /** Rows of a, or columns of b. */
  readonly lines: number;
  readonly K: number;
  /** Pairs of a line, those beyond K included. */
  readonly pairs: number;
  readonly alongK: boolean;
  readonly bf16: boolean;
  /** Distances in the packed operand of neighbouring lines and of neighbouring pairs. */
  readonly packedLine: number;
  readonly packedPair: number;
}

/** The work of matmul.pack on one operand. */
function packing({ lines, K, pairs, alongK, bf16, packedLine, packedPair }: PackingOptions) {
  const [lineStride, kStride] = alongK ? [K, 1] : [1, lines];
  return {
    items: lines * Math.ceil(pairs / kernelConstants('matmul.pack').PAIRS),
    constants: { BF16: bf16 ? 1 : 0 },
    params: { lines, K, pairs, lineStride, kStride, packedLine, packedPair },
  } as const;
}

/** The values of k that one dispatch folds, from `first` to before `last`. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/** Divides a fold of K terms into spans of at most `blocks` blocks. */
function spansOf(K: number, blocks: number): readonly Span[] {
  const length = blocks * FOLD_BLOCK;
  return Array.from({ length: Math.ceil(K / length) }, (_, part) => ({
    first: part * length,
    last: Math.min((part + 1) * length, K),
  }));
}

function gemv(node: ProductNode, { M, N, K, aAlongK, bAlongK, bf16 }: Product): readonly Step[] {
  const { lanesN, lanesK } = node.tuning.gemv;
  const rows = gemvRows(M);
  const columns = bAlongK ? lanesN : 4 * lanesN;
  const perIteration = gemvIterations(rows, lanesK);
  const blocks = maxLoopLength({ perIteration, fixed: GEMV_FIXED }) * lanesK;
  const padded = Math.ceil(K / 4) * 4;
  const a = node.scratch(M * padded);
  const left = packing({
    lines: M,
    K,
    pairs: padded / 2,
    alongK: aAlongK,
    bf16: false,
    packedLine: padded,
    packedPair: 2,
  });
  const bStride = bAlongK ? K : N;
  return [
    dispatch('matmul.pack', {
      ...left,
      entry: 'rounded',
      bindings: { x: node.inputs.a, values: a },
    }),
    ...spansOf(K, blocks).map(({ first, last }) =>
      dispatch('matmul.gemv', {
        entry: bAlongK ? 'along_k' : 'along_n',
        workgroups: Math.ceil(N / columns),
        constants: {
          VECTORS: bStride % 4 === 0 ? 1 : 0,
          BF16: bf16 ? 1 : 0,
          ROWS: rows,
          LANES_N: lanesN,
          LANES_K: lanesK,
        },
        params: { M, N, K: last, aStride: padded / 4, bStride, first },
        bindings: { a, b: node.inputs.b, c: node.outputs.c },
      }),
    ),
  ];
}

function tiled(node: ProductNode, product: Product): readonly Step[] {
  const { M, N, K } = product;
  const { large, small, minTiles } = node.tuning;
  if (tilesOf(large, product) >= minTiles) return wholeFolds(node, product, large);
  const blocks = blocksOf(K);
  const isDivided = blocks > 1 && tilesOf(small, product) < minTiles && M * N * blocks <= MAX_BLOCK_WORDS;
  if (!isDivided) return wholeFolds(node, product, small);
  const count = M * N;
  const partials = node.scratch(count * blocks);
  return [
    tiles(node, { product, shape: small, c: partials, span: { first: 0, last: K }, parts: blocks }),
    combineBlocks({
      partials,
      out: node.outputs.c,
      count,
      blocks,
      itemStride: 1,
      blockStride: count,
    }),
  ];
}

function tilesOf(shape: TileShape, { M, N }: Product): number {
  const [m, n] = tileSides(shape);
  return Math.ceil(M / m) * Math.ceil(N / n);
}

/**
 * Each output's fold by one invocation: in one dispatch, or in as many as keep within MAX_LOOP_ITERATIONS,
 * each of which continues from the sum in c.
 */
function wholeFolds(node: ProductNode, product: Product, shape: TileShape): readonly Step[] {
  const blocks = maxLoopLength({ perIteration: tileBlockIterations(shape), fixed: 0 });
  const { c } = node.outputs;
  return spansOf(product.K, blocks).map((span) => tiles(node, { product, shape, c, span, parts: 1 }));
}

interface TilesOptions {
  readonly product: Product;
  readonly shape: TileShape;
  /** Takes the outputs, or with several parts the block sums. */
  readonly c: Operand;
  readonly span: Span;
  /** 1, or the number of fold blocks if each is computed by a workgroup of its own. */
  readonly parts: number;
}

function tiles(node: ProductNode, { product, shape, c, span, parts }: TilesOptions): DispatchStep {
  const { M, N, K, aAlongK, bAlongK, bf16 } = product;
  const [aStride, bStride] = [aAlongK ? K : M, bAlongK ? K : N];
  const inFours = [aStride, bStride, N].every((size) => size % 4 === 0);
  const count = tilesOf(shape, product);
  return dispatch('matmul.tile', {
    workgroups: count * parts,
    constants: { ...tileConstants(shape), VECTORS: inFours ? 1 : 0, BF16: bf16 ? 1 : 0 },
    params: {
      M,
      N,
      K: span.last,
      aAlongK: aAlongK ? 1 : 0,
      aStride,
      bAlongK: bAlongK ? 1 : 0,
      bStride,
      tilesN: Math.ceil(N / tileSides(shape)[1]),
      tiles: count,
      parts,
      first: span.first,
    },
    bindings: { ...node.inputs, c },
  });
}
