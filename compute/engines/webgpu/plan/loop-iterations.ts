/**
 * How many iterations an invocation takes in the loops of a kernel. Mesa's software driver (llvmpipe) ends
 * every loop, without an error, once eight neighbouring invocations have taken 65,535 iterations together;
 * nested and successive loops count alike (docs/decisions/0005-webgpu-bits.md). So no step may take more than
 * MAX_LOOP_ITERATIONS, and planners divide longer work into several steps. The tests hold every plan to
 * `loopIterations`, and `loopIterations` to what a device counts.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import {
  type ConstantsOf,
  type EntryOf,
  type KernelName,
  kernelConstants,
  type ParamsOf,
} from '../shader/kernel-interface.ts';
import { type TileShape, tileSides } from '../tuning/tuning.ts';
import { blocksOf } from './folds.ts';
import type { DispatchStep } from './steps.ts';

/** The most iterations of an invocation of any step; somewhat below what llvmpipe allows. */
export const MAX_LOOP_ITERATIONS = 60_000;

/**
 * Iterations of a loop with `times` iterations whose body takes `inner`. The final failing test counts as
 * one.
 */
const loop = (times: number, inner = 0): number => times * (1 + inner) + 1;

/**
 * How many iterations a loop may have so that an invocation stays within MAX_LOOP_ITERATIONS, if its body
 * takes `perIteration` iterations of inner loops and the rest of the kernel takes `fixed`. At least 1.
 */
export function maxLoopLength(o: { readonly perIteration: number; readonly fixed: number }): number {
  return Math.max(1, Math.floor((MAX_LOOP_ITERATIONS - o.fixed - 1) / (1 + o.perIteration)));
}

/** The four Newton iterations of shaders/lib/functions.wgsl's recip or rsqrt. */
const NEWTON = loop(4);
/** A fold block of shaders/lib/tile.wgsl. */
const TILE_FOLD_BLOCK = loop(8, loop(8));
/** keys_seen_by_tile of shaders/lib/attention-rows.wgsl. */
const KEYS_SEEN = loop(32);
/** A loop over four by four outputs. */
const OUTPUTS = loop(4, loop(4));

/** Iterations of matmul.tile within one fold block. */
export function tileBlockIterations(shape: TileShape): number {
  const [m, n] = tileSides(shape);
  const patches = ((m + n) / 4) * (shape.step / 4);
  const fills = Math.ceil(patches / (shape.lanesM * shape.lanesN));
  return loop(FOLD_BLOCK / shape.step, loop(fills) + loop(shape.step));
}

/** Iterations of matmul.register-tiled within one fold block, whose terms are in pairs. */
export const REGISTER_TILED_BLOCK = loop(FOLD_BLOCK / 2);
/** Iterations of matmul.gemv within one iteration of its outermost loop, which takes `lanesK` fold blocks. */
export function gemvIterations(rows: number, lanesK: number): number {
  return loop(FOLD_BLOCK / 4) + rows * loop(lanesK);
}
/** Iterations of matmul.gemv outside its outermost loop. */
export const GEMV_FIXED = 8 * loop(4);

/** Iterations of attention.rows if one workgroup folds all keys. */
export function attentionRowsIterations(Tk: number): number {
  return KEYS_SEEN + loop(blocksOf(Tk), TILE_FOLD_BLOCK) + OUTPUTS;
}

/** Iterations of attention.keys within one fold block of rows. */
export const ATTENTION_KEYS_BLOCK = loop(FOLD_BLOCK) + 2 * TILE_FOLD_BLOCK;
/** Iterations of attention.keys outside its loops over heads and blocks. */
export const ATTENTION_KEYS_FIXED = OUTPUTS + 8 * loop(4);

/**
 * row_sum of shaders/lib/row-sum.wgsl: one lane adds the block sums, 64 to an iteration of the outer loop.
 */
const rowSum = (blocks: number): number => blocks + 2 * blocksOf(blocks) + 1;

type Iterations<K extends KernelName> = (
  params: ParamsOf<K>,
  entry: EntryOf<K>,
  constants: ConstantsOf<K>,
) => number;

const none = (): number => 0;

const LOOP_ITERATIONS: { readonly [K in KernelName]: Iterations<K> } = {
  adamw: () => 2 * NEWTON,
  add: none,
  'add.scaled': none,
  'attention.combine': (p) => loop(blocksOf(p.Tk)),
  'attention.keys': (p) =>
    loop(p.headCount, loop(blocksOf(p.rows), ATTENTION_KEYS_BLOCK)) + ATTENTION_KEYS_FIXED,
  'attention.rows': (p, entry) => attentionRowsIterations(entry === 'split' ? FOLD_BLOCK : p.Tk),
  'attention.scores': (p) => KEYS_SEEN + loop(blocksOf(p.headDim), TILE_FOLD_BLOCK) + OUTPUTS,
  'attention.slopes': (p) => KEYS_SEEN + loop(blocksOf(p.headDim), 2 * TILE_FOLD_BLOCK) + OUTPUTS,
  'attention.softmax': ({ Tk }, entry) => {
    if (entry === 'short') return 2 * loop(Tk) + NEWTON;
    const lanes = loop(Math.ceil(Tk / 256));
    return 2 * lanes + loop(63) + loop(Math.ceil(Tk / 4096), 2 * loop(FOLD_BLOCK)) + NEWTON;
  },
  'bias.add': none,
  'cache.write': none,
  'clip.scale': (p) => loop(p.count) + 2 * NEWTON,
  'dequant.int8': none,
  embed: none,
  'embed.grad': (p) => loop(Math.min(p.N - p.skip, p.span)),
  'embed.sort': () => 2 * loop(2) + loop(7) + 7 * loop(7),
  'fold.block': () => loop(FOLD_BLOCK),
  'fold.columns': () => loop(FOLD_BLOCK),
  'fold.combine': (p) => loop(p.blocks) + NEWTON,
  'matmul.gemv': ({ K, first }, _, { ROWS, LANES_K }) =>
    loop(Math.ceil(blocksOf(K - first) / LANES_K), gemvIterations(ROWS, LANES_K)) + GEMV_FIXED,
  'matmul.pack': (_p, _entry, { PAIRS }) => loop(PAIRS),
  'matmul.register-tiled': ({ pairs }) => loop(Math.ceil(pairs / (FOLD_BLOCK / 2)), REGISTER_TILED_BLOCK),
  'matmul.tile': ({ K, parts, first }, _, c) => {
    const shape = { rows4: c.ROWS4, cols4: c.COLS4, lanesM: c.LANES_M, lanesN: c.LANES_N, step: c.STEP };
    return loop(parts > 1 ? 1 : blocksOf(K - first), tileBlockIterations(shape));
  },
  'policy.coefficient': none,
  'quant.int8': ({ words }, entry) => (entry === 'scales' ? loop(Math.ceil(words / 64)) + loop(63) : 0),
  'rms.apply': none,
  'rms.grad.x': (p, entry) => (entry === 'main' ? 0 : loop(entry === 'row' ? p.blocks : FOLD_BLOCK)),
  rope: none,
  'round.bf16': none,
  sample: ({ blocks }) => rowSum(blocks) + 2 * loop(blocks) + loop(FOLD_BLOCK) + NEWTON,
  'sample.filter': ({ blocks }, entry) => {
    if (entry === 'sums') return loop(FOLD_BLOCK);
    return entry === 'choose' ? loop(Math.ceil(blocks / 8)) + loop(15) : 0;
  },
  'sha256.leaves': () => loop(65, loop(4)),
  'sha256.nodes': () => Math.max(loop(8), 2 * loop(4)),
  'softmax.max': ({ blocks }, entry) => (entry === 'block' ? loop(63) : loop(blocksOf(blocks)) + loop(63)),
  'softmax.sum': () => loop(FOLD_BLOCK),
  swiglu: () => NEWTON,
  'swiglu.grad': () => NEWTON,
  'xent.grad': none,
  'xent.logprob': none,
  'xent.lse': ({ blocks }) => rowSum(blocks) + NEWTON,
};

/** An upper bound on the loop iterations of an invocation of a step. */
export function loopIterations<K extends KernelName>(step: DispatchStep<K>): number {
  const { kernel, params, entry, constants } = step;
  return LOOP_ITERATIONS[kernel](params, entry, { ...kernelConstants(kernel), ...constants });
}
