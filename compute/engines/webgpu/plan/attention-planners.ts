/**
 * Steps of attention and of the key/value cache. Scores go through scratch memory one part of the work at a
 * time. A part has some units (a batch entry's key/value head) with all their rows. A unit that is too large
 * for that is divided by rows (for the output and the gradient of q) or by keys (for the gradients of k and
 * v). So the scratch memory is bounded for any length of the sequence.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { kernelConstants, type ParamsOf } from '../shader/kernel-interface.ts';
import { blocksOf, combineBlocks, foldRows } from './folds.ts';
import {
  ATTENTION_KEYS_BLOCK,
  ATTENTION_KEYS_FIXED,
  attentionRowsIterations,
  MAX_LOOP_ITERATIONS,
  maxLoopLength,
} from './loop-iterations.ts';
import type { NodeView, Planners } from './node-view.ts';
import { type DispatchStep, dispatch, type Operand, type Step } from './steps.ts';

/**
 * Words of scores at a time; 32 MiB. A part has at least one tile of rows or keys, even if that takes more.
 */
const PART_WORDS = 2 ** 23;
/** Side of a tile of shaders/lib/tile.wgsl. */
const { TILE } = kernelConstants('attention.scores');
/**
 * Fewer tiles than this leave most of a GPU idle; long folds over keys are then divided into their blocks.
 */
const MIN_TILES = 64;
/** A line of at most this many keys is the work of one invocation, not of a workgroup. */
const SHORT_KEYS = 128;

type AttentionNode = NodeView<'attention' | 'attention.grad.q' | 'attention.grad.kv'>;

/** Constants of the kernels that work by tiles (shaders/lib/tile.wgsl). */
const tileConstants = (node: AttentionNode) => ({ SHARED: node.tuning.noSharedMemory === true ? 0 : 1 });

const tiles = (length: number): number => Math.ceil(length / TILE);

interface Sizes {
  readonly B: number;
  readonly Tq: number;
  readonly Tk: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Query heads of a key/value head. */
  readonly group: number;
}

function sizesOf(node: AttentionNode): Sizes {
  const { B, Tq, Tk, heads, kvHeads, headDim } = node.attributes;
  return { B, Tq, Tk, heads, kvHeads, headDim, group: heads / kvHeads };
}

interface Part {
  readonly units: number;
  readonly firstUnit: number;
  readonly rows: number;
  readonly firstRow: number;
  readonly keys: number;
  readonly firstKey: number;
}

/**
 * Divides the work into parts whose scores fit in `words`; a unit that is too large is divided by rows or by
 * keys.
 */
function partsOf(sizes: Sizes, by: 'rows' | 'keys', words: number): readonly Part[] {
  const { B, Tq, Tk, kvHeads, group } = sizes;
  const whole = { rows: Tq, firstRow: 0, keys: Tk, firstKey: 0 };
  const unitWords = group * Tq * Tk;
  const units = Math.min(Math.max(1, Math.floor(words / unitWords)), B * kvHeads);
  const result: Part[] = [];
  for (let firstUnit = 0; firstUnit < B * kvHeads; firstUnit += units) {
    const unit = { ...whole, units: Math.min(units, B * kvHeads - firstUnit), firstUnit };
    if (unitWords <= words) {
      result.push(unit);
      continue;
    }
    const [length, width] = by === 'rows' ? [Tq, Tk] : [Tk, Tq];
    const step = Math.max(TILE, Math.floor(words / (group * width) / TILE) * TILE);
    for (let first = 0; first < length; first += step) {
      const count = Math.min(step, length - first);
      result.push(
        by === 'rows' ? { ...unit, rows: count, firstRow: first } : { ...unit, keys: count, firstKey: first },
      );
    }
  }
  return result;
}

interface AttentionMode {
  /** Its meaning differs from kernel to kernel. Defaults to 0. */
  readonly mode?: 0 | 1;
  /** Heads of each group that attention.keys folds. Both default to 0. */
  readonly firstHead?: number;
  readonly headCount?: number;
}

/** The parameters of every attention kernel (shaders/lib/attention.wgsl). */
function attentionParams(
  node: AttentionNode,
  part: Part,
  { mode = 0, firstHead = 0, headCount = 0 }: AttentionMode = {},
): ParamsOf<'attention.scores'> {
  const { Tq, Tk, heads, kvHeads, headDim, scale } = node.attributes;
  return { ...part, Tq, Tk, heads, kvHeads, headDim, scale, mode, firstHead, headCount };
}

/** Query rows of a part, counted once for each head of the group. */
const linesOf = (sizes: Sizes, part: Part): number => part.units * sizes.group * part.rows;
/** Tiles of a part's scores. */
const scoreTiles = (sizes: Sizes, part: Part): number =>
  part.units * tiles(sizes.group * part.rows) * tiles(part.keys);

interface RowProductOptions {
  /** As in attention.rows.wgsl. */
  readonly mode: 0 | 1;
  readonly scores: Operand;
  readonly x: Operand;
  readonly stats: Operand;
  readonly out: Operand;
}

/** The products of a part's scores with the values or the keys. */
function rowProducts(
  node: AttentionNode,
  part: Part,
  { mode, scores, x, stats, out }: RowProductOptions,
): readonly Step[] {
  const sizes = sizesOf(node);
  const params = attentionParams(node, part, { mode });
  // attention.slopes and the short entry of attention.softmax round what they store.
  const isRounded = mode === 1 || part.keys <= SHORT_KEYS;
  const constants = { ...tileConstants(node), ROUNDED: isRounded ? 1 : 0 };
  const { positions } = node.inputs;
  const workgroups = part.units * tiles(sizes.group * part.rows) * tiles(sizes.headDim);
  const blocks = blocksOf(sizes.Tk);
  const fitsOneDispatch = attentionRowsIterations(sizes.Tk) <= MAX_LOOP_ITERATIONS;
  if (fitsOneDispatch && (workgroups >= MIN_TILES || blocks < 4)) {
    const bindings = { scores, x, positions, stats, out };
    return [dispatch('attention.rows', { workgroups, constants, params, bindings })];
  }
  const items = linesOf(sizes, part) * sizes.headDim;
  const partials = node.scratch(items * blocks);
  return [
    dispatch('attention.rows', {
      entry: 'split',
      workgroups: workgroups * blocks,
      constants,
      params,
      bindings: { scores, x, positions, out: partials },
    }),
    dispatch('attention.combine', { items, params, bindings: { partials, stats, out } }),
  ];
}

function forward(node: NodeView<'attention'>): readonly Step[] {
  const sizes = sizesOf(node);
  const { q, k, v, positions } = node.inputs;
  const { o: out, stats } = node.outputs;
  return partsOf(sizes, 'rows', PART_WORDS).flatMap((part): readonly Step[] => {
    const lines = linesOf(sizes, part);
    const scores = node.scratch(lines * part.keys);
    const params = attentionParams(node, part);
    const softmax = { params, bindings: { positions, scores, stats } };
    return [
      dispatch('attention.scores', {
        workgroups: scoreTiles(sizes, part),
        constants: tileConstants(node),
        params,
        bindings: { q, k, positions, scores },
      }),
      part.keys <= SHORT_KEYS
        ? dispatch('attention.softmax', { ...softmax, entry: 'short', items: lines })
        : dispatch('attention.softmax', { ...softmax, workgroups: lines }),
      ...rowProducts(node, part, { mode: 0, scores, x: v, stats, out }),
    ];
  });
}

type GradientNode = NodeView<'attention.grad.q' | 'attention.grad.kv'>;

/** Recomputes a part's dS and, in mode 1, its P. */
function slopes(node: GradientNode, part: Part, scores: Operand, mode: 0 | 1): DispatchStep {
  return dispatch('attention.slopes', {
    workgroups: scoreTiles(sizesOf(node), part),
    constants: tileConstants(node),
    params: attentionParams(node, part, { mode }),
    bindings: { ...node.inputs, scores },
  });
}

/** Words of a lane's sums in `totals` of attention.keys, and lanes of its workgroup. */
const TOTAL_WORDS = 32;
const LANES = 64;

/**
 * The gradients of a part's keys and values. They take one step if that keeps within MAX_LOOP_ITERATIONS;
 * else each step does some heads of the group, or some rows of one head.
 */
function keyFolds(node: NodeView<'attention.grad.kv'>, part: Part, scores: Operand): readonly Step[] {
  const { group, Tq, headDim } = sizesOf(node);
  const { q, dout, positions } = node.inputs;
  const workgroups = part.units * tiles(part.keys) * tiles(headDim);
  const maxBlocks = maxLoopLength({ perIteration: ATTENTION_KEYS_BLOCK, fixed: ATTENTION_KEYS_FIXED + 2 });
  const maxRows = maxBlocks * FOLD_BLOCK;
  const totals = node.scratch(Tq > maxRows ? workgroups * LANES * TOTAL_WORDS : 4);
  const perIteration = blocksOf(Tq) * (1 + ATTENTION_KEYS_BLOCK) + 1;
  const maxHeads = Math.min(maxLoopLength({ perIteration, fixed: ATTENTION_KEYS_FIXED }), group);
  const steps: Step[] = [];
  for (let firstHead = 0; firstHead < group; firstHead += maxHeads) {
    for (let firstRow = 0; firstRow < Tq; firstRow += maxRows) {
      const someRows = { ...part, firstRow, rows: Math.min(maxRows, Tq - firstRow) };
      const headCount = Math.min(maxHeads, group - firstHead);
      steps.push(
        dispatch('attention.keys', {
          workgroups,
          constants: tileConstants(node),
          params: attentionParams(node, someRows, { firstHead, headCount }),
          bindings: { scores, q, dout, positions, ...node.outputs, totals },
        }),
      );
    }
  }
  return steps;
}

export const ATTENTION = {
  attention: forward,
  'attention.delta': (node) => {
    const { N, heads, headDim: length } = node.attributes;
    const { dout: x, o: y } = node.inputs;
    const { delta } = node.outputs;
    const rows = N * heads;
    const blocks = blocksOf(length);
    const partials = blocks === 1 ? delta : node.scratch(rows * blocks);
    const sums = foldRows({ terms: { kind: 'products', x, y }, partials, rows, length });
    if (blocks === 1) return [sums];
    return [
      sums,
      combineBlocks({
        partials,
        out: delta,
        count: rows,
        blocks,
        itemStride: blocks,
        blockStride: 1,
      }),
    ];
  },
  'attention.grad.q': (node) => {
    const sizes = sizesOf(node);
    const { k: x, stats } = node.inputs;
    return partsOf(sizes, 'rows', PART_WORDS).flatMap((part) => {
      const scores = node.scratch(linesOf(sizes, part) * part.keys);
      const operands = { scores, x, stats, out: node.outputs.dq };
      return [slopes(node, part, scores, 0), ...rowProducts(node, part, { mode: 1, ...operands })];
    });
  },
  'attention.grad.kv': (node) => {
    const sizes = sizesOf(node);
    return partsOf(sizes, 'keys', PART_WORDS / 2).flatMap((part) => {
      const scores = node.scratch(2 * linesOf(sizes, part) * part.keys);
      return [slopes(node, part, scores, 1), ...keyFolds(node, part, scores)];
    });
  },
  'cache.write': (node) => {
    const { B, Tk, D } = node.attributes;
    const { x, positions } = node.inputs;
    const count = B * D;
    return [
      dispatch('cache.write', {
        items: count,
        params: { count, Tk, D, R: 1 },
        bindings: { x, positions, ...node.outputs },
      }),
    ];
  },
  'cache.write.rows': (node) => {
    const { B, R, Tk, D } = node.attributes;
    const { x, starts } = node.inputs;
    const count = B * R * D;
    return [
      dispatch('cache.write', {
        entry: 'rows',
        items: count,
        params: { count, Tk, D, R },
        bindings: { x, positions: starts, ...node.outputs },
      }),
    ];
  },
} as const satisfies Partial<Planners>;
