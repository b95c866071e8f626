/**
 * Steps of attention and the key/value cache. Scores go through scratch memory a part at a time: some (batch entry, key/value
 * head) units with all their rows, or, of a unit too large for that, some of its rows (forward and the gradient of q) or of its
 * keys (the gradient of k and v). So the scratch stays bounded however long the sequence is.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { blocksOf, combine, foldBlocks } from './dense-planners.ts';
import { attentionRowsRounds, KEYS_BESIDES, KEYS_BLOCK, MAX_ROUNDS, mostBlocks } from './loop-iterations.ts';
import {
  dispatch,
  f32,
  groupDispatch,
  type NodeView,
  type Operand,
  type Planner,
  type Step,
} from './steps.ts';

/** Words of scores at a time; 32 MiB. A part has at least a tile of rows or keys, whatever that takes. */
const PART_WORDS = 2 ** 23;
/** Side of a tile of shaders/lib/tile.wgsl. */
const TILE = 32;
/** Fewer tiles than this leave most of a GPU idle; long folds over keys are then divided into their blocks. */
const MIN_TILES = 64;

/** Lines of so few keys are an invocation's, not a workgroup's. */
const SHORT_KEYS = 128;

/** Constants of the kernels that work by tiles (shaders/lib/tile.wgsl). */
const tileConstants = (node: NodeView) => ({ SHARED: node.tuning.apart === true ? 0 : 1 });

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

function sizesOf(node: NodeView): Sizes {
  const [heads, kvHeads] = [node.a('heads'), node.a('kvHeads')];
  return {
    B: node.a('B'),
    Tq: node.a('Tq'),
    Tk: node.a('Tk'),
    heads,
    kvHeads,
    headDim: node.a('headDim'),
    group: heads / kvHeads,
  };
}

interface Part {
  readonly units: number;
  readonly firstUnit: number;
  readonly rows: number;
  readonly firstRow: number;
  readonly keys: number;
  readonly firstKey: number;
}

/** Cuts the work into parts, `along` rows or keys where a unit is too large. Each part's scores fit `words`. */
function parts(sizes: Sizes, along: 'rows' | 'keys', words: number): readonly Part[] {
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
    const [length, width] = along === 'rows' ? [Tq, Tk] : [Tk, Tq];
    const step = Math.max(TILE, Math.floor(words / (group * width) / TILE) * TILE);
    for (let first = 0; first < length; first += step) {
      const count = Math.min(step, length - first);
      result.push(
        along === 'rows'
          ? { ...unit, rows: count, firstRow: first }
          : { ...unit, keys: count, firstKey: first },
      );
    }
  }
  return result;
}

/** Heads of a group, as attention.keys folds some of them. */
interface Heads {
  readonly firstHead: number;
  readonly someHeads: number;
}

const NO_HEADS: Heads = { firstHead: 0, someHeads: 0 };

function paramsOf(node: NodeView, part: Part, mode = 0, heads: Heads = NO_HEADS): readonly number[] {
  const { Tq, Tk, heads: all, kvHeads, headDim } = sizesOf(node);
  return [
    ...[part.units, part.firstUnit, Tq, Tk, all, kvHeads, headDim, f32(node.a('scale'))],
    ...[part.firstRow, part.rows, part.firstKey, part.keys, mode, heads.firstHead, heads.someHeads],
  ];
}

/** Query rows of a part, counting each head of the group. */
const linesOf = (sizes: Sizes, part: Part): number => part.units * sizes.group * part.rows;
/** Tiles of a part's scores. */
const scoreTiles = (sizes: Sizes, part: Part): number =>
  part.units * tiles(sizes.group * part.rows) * tiles(part.keys);

/** The product of scores with values or keys: `mode` as in attention.rows.wgsl. */
function rowProducts(
  node: NodeView,
  part: Part,
  mode: 0 | 1,
  operands: { scores: Operand; x: Operand; stats: Operand; out: Operand },
): readonly Step[] {
  const sizes = sizesOf(node);
  const params = paramsOf(node, part, mode);
  const { scores, x, stats, out } = operands;
  const positions = node.input(3);
  const workgroups = part.units * tiles(sizes.group * part.rows) * tiles(sizes.headDim);
  const blocks = blocksOf(sizes.Tk);
  const isWhole = attentionRowsRounds(sizes.Tk) <= MAX_ROUNDS;
  if (isWhole && (workgroups >= MIN_TILES || blocks < 4)) {
    return [
      groupDispatch({
        kernel: 'attention.rows',
        constants: tileConstants(node),
        workgroups,
        params,
        bindings: { 1: scores, 2: x, 3: positions, 4: stats, 5: out },
      }),
    ];
  }
  const items = linesOf(sizes, part) * sizes.headDim;
  const partials = node.scratch(items * blocks);
  return [
    groupDispatch({
      kernel: 'attention.rows',
      constants: tileConstants(node),
      entry: 'split',
      workgroups: workgroups * blocks,
      params,
      bindings: { 1: scores, 2: x, 3: positions, 4: stats, 5: partials },
    }),
    dispatch({ kernel: 'attention.combine', items, params, bindings: { 1: partials, 2: stats, 3: out } }),
  ];
}

function softmax(
  lines: number,
  keys: number,
  params: readonly number[],
  bindings: Readonly<Record<number, Operand>>,
): Step {
  const kernel = 'attention.softmax';
  return keys <= SHORT_KEYS
    ? dispatch({ kernel, entry: 'short', items: lines, params, bindings })
    : groupDispatch({ kernel, workgroups: lines, params, bindings });
}

function forward(node: NodeView): readonly Step[] {
  const sizes = sizesOf(node);
  const [q, k, v, positions] = [node.input(0), node.input(1), node.input(2), node.input(3)];
  const [out, stats] = [node.output(0), node.output(1)];
  return parts(sizes, 'rows', PART_WORDS).flatMap((part): readonly Step[] => {
    const lines = linesOf(sizes, part);
    const scores = node.scratch(lines * part.keys);
    const params = paramsOf(node, part);
    return [
      groupDispatch({
        kernel: 'attention.scores',
        constants: tileConstants(node),
        workgroups: scoreTiles(sizes, part),
        params,
        bindings: { 1: q, 2: k, 3: positions, 4: scores },
      }),
      softmax(lines, part.keys, params, { 1: positions, 2: scores, 3: stats }),
      ...rowProducts(node, part, 0, { scores, x: v, stats, out }),
    ];
  });
}

/** The step that recomputes a part's dS and, `withWeights`, its P. */
function slopes(node: NodeView, part: Part, scores: Operand, withWeights: boolean): Step {
  return groupDispatch({
    kernel: 'attention.slopes',
    constants: tileConstants(node),
    workgroups: scoreTiles(sizesOf(node), part),
    params: paramsOf(node, part, withWeights ? 1 : 0),
    bindings: {
      1: node.input(0),
      2: node.input(1),
      3: node.input(2),
      4: node.input(3),
      5: node.input(4),
      6: node.input(5),
      7: node.input(6),
      8: scores,
    },
  });
}

/** Words of a lane's totals in attention.keys, and lanes of its workgroup. */
const TOTAL_WORDS = 32;
const LANES = 64;

/** The gradients of a part's keys and values: in one step, or in some heads at a time, or in some rows of a head at a time. */
function keyFolds(node: NodeView, part: Part, scores: Operand): readonly Step[] {
  const { group, Tq, headDim } = sizesOf(node);
  const workgroups = part.units * tiles(part.keys) * tiles(headDim);
  const rows = mostBlocks(KEYS_BLOCK, KEYS_BESIDES + 2) * FOLD_BLOCK;
  const totals = node.scratch(Tq > rows ? workgroups * LANES * TOTAL_WORDS : 4);
  // A head is like a block whose rounds are those of its rows.
  const headRounds = blocksOf(Tq) * (1 + KEYS_BLOCK) + 1;
  const someHeads = Math.min(mostBlocks(headRounds, KEYS_BESIDES), group);
  const steps: Step[] = [];
  for (let firstHead = 0; firstHead < group; firstHead += someHeads) {
    for (let firstRow = 0; firstRow < Tq; firstRow += rows) {
      const some = { ...part, firstRow, rows: Math.min(rows, Tq - firstRow) };
      const heads = { firstHead, someHeads: Math.min(someHeads, group - firstHead) };
      steps.push(
        groupDispatch({
          kernel: 'attention.keys',
          constants: tileConstants(node),
          workgroups,
          params: paramsOf(node, some, 0, heads),
          bindings: {
            1: scores,
            2: node.input(0),
            3: node.input(5),
            4: node.input(3),
            5: node.output(0),
            6: node.output(1),
            7: totals,
          },
        }),
      );
    }
  }
  return steps;
}

export const ATTENTION = {
  attention: forward,
  'attention.delta': (node) => {
    const rows = node.a('N') * node.a('heads');
    const length = node.a('headDim');
    const blocks = blocksOf(length);
    const partials = blocks === 1 ? node.output(0) : node.scratch(rows * blocks);
    const sums = foldBlocks({
      entry: 'products',
      x: node.input(0),
      y: node.input(1),
      partials,
      rows,
      length,
    });
    if (blocks === 1) return [sums];
    return [
      sums,
      combine({ partials, out: node.output(0), count: rows, blocks, itemStride: blocks, blockStride: 1 }),
    ];
  },
  'attention.grad.q': (node) => {
    const sizes = sizesOf(node);
    return parts(sizes, 'rows', PART_WORDS).flatMap((part) => {
      const scores = node.scratch(linesOf(sizes, part) * part.keys);
      const operands = { scores, x: node.input(1), stats: node.input(4), out: node.output(0) };
      return [slopes(node, part, scores, false), ...rowProducts(node, part, 1, operands)];
    });
  },
  'attention.grad.kv': (node) => {
    const sizes = sizesOf(node);
    return parts(sizes, 'keys', PART_WORDS / 2).flatMap((part) => {
      const scores = node.scratch(2 * linesOf(sizes, part) * part.keys);
      return [slopes(node, part, scores, true), ...keyFolds(node, part, scores)];
    });
  },
  'cache.write': (node) => {
    const count = node.a('B') * node.a('D');
    return [
      dispatch({
        kernel: 'cache.write',
        items: count,
        params: [count, node.a('Tk'), node.a('D'), 1],
        bindings: { 1: node.input(1), 2: node.input(2), 3: node.output(0) },
      }),
    ];
  },
  'cache.write.rows': (node) => {
    const [R, Tk, D] = [node.a('R'), node.a('Tk'), node.a('D')];
    const count = node.a('B') * R * D;
    return [
      dispatch({
        kernel: 'cache.write',
        entry: 'rows',
        items: count,
        params: [count, Tk, D, R],
        bindings: { 1: node.input(1), 2: node.input(2), 3: node.output(0) },
      }),
    ];
  },
} as const satisfies Record<string, Planner>;
