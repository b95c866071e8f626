/** Steps of the dense and element-wise operators. Orders are docs/repops.md's; the kernels are in shaders/. */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { mostBlocks } from './loop-iterations.ts';
import {
  dispatch,
  f32,
  groupDispatch,
  type NodeView,
  type Operand,
  type Planner,
  type Step,
} from './steps.ts';

export function blocksOf(length: number): number {
  return Math.ceil(length / FOLD_BLOCK);
}

export interface Combine {
  readonly partials: Operand;
  readonly out: Operand;
  readonly count: number;
  readonly blocks: number;
  readonly itemStride: number;
  readonly blockStride: number;
  readonly finish?: { readonly entry: 'negated' } | { readonly entry: 'rstd'; invD: number; eps: number };
}

/** Adds block sums in order: the second level of a fold. */
export function combine(o: Combine): Step {
  const rstd = o.finish?.entry === 'rstd' ? o.finish : { invD: 0, eps: 0 };
  return dispatch({
    kernel: 'fold.combine',
    entry: o.finish?.entry ?? 'main',
    items: o.count,
    params: [o.count, o.blocks, o.itemStride, o.blockStride, f32(rstd.invD), f32(rstd.eps)],
    bindings: { 1: o.partials, 2: o.out },
  });
}

/** The first level of a fold along rows: sums of blocks of x, x * x or x * y. */
export function foldBlocks(o: {
  readonly entry: 'main' | 'squares' | 'products';
  readonly x: Operand;
  readonly y?: Operand;
  readonly partials: Operand;
  readonly rows: number;
  readonly length: number;
}): Step {
  const blocks = blocksOf(o.length);
  return dispatch({
    kernel: 'fold.block',
    entry: o.entry,
    items: o.rows * blocks,
    params: [o.rows, o.length, blocks],
    bindings: { 1: o.x, 2: o.y, 3: o.partials },
  });
}

/** y = f(x, ...) with an entry point for the case that y is x. */
function maybeInPlace(node: NodeView, kernel: string, params: readonly number[]): Step {
  const inPlace = node.inPlace(0, 0);
  return dispatch({
    kernel,
    entry: inPlace ? 'in_place' : 'main',
    items: params[0] ?? 0,
    params,
    bindings: { 1: inPlace ? undefined : node.input(0), 2: node.input(1), 3: node.output(0) },
  });
}

function columnFold(node: NodeView, bindings: Record<number, Operand>, entry: string): readonly Step[] {
  const [N, D] = [node.a('N'), node.a('D')];
  const blocks = blocksOf(N);
  const partials = node.scratch(blocks * D);
  return [
    dispatch({
      kernel: 'fold.columns',
      entry,
      items: blocks * D,
      params: [N, D, blocks],
      bindings: { ...bindings, 4: partials },
    }),
    combine({ partials, out: node.output(0), count: D, blocks, itemStride: 1, blockStride: D }),
  ];
}

/** Pairs that a workgroup of embed.sort.wgsl sorts by itself. */
const SORT_CHUNK = 128;

/** Rows of one id that a dispatch of embed.grad adds up; more take another dispatch. */
const GRAD_SPAN = mostBlocks(0, 0) - (mostBlocks(0, 0) % FOLD_BLOCK);

/** The rows of embed.grad as pairs (id, row), sorted. */
function sortedRows(
  node: NodeView,
  N: number,
): { readonly sorted: Operand; readonly steps: readonly Step[] } {
  let pairs = SORT_CHUNK;
  while (pairs < N) pairs *= 2;
  const sorted = node.scratch(2 * pairs);
  const workgroups = pairs / SORT_CHUNK;
  const pass = (entry: string, k: number, j: number): Step =>
    groupDispatch({
      kernel: 'embed.sort',
      entry,
      workgroups,
      params: [N, pairs, k, j],
      bindings: { 1: entry === 'chunks' ? node.input(0) : undefined, 2: sorted },
    });
  const steps = [pass('chunks', 0, 0)];
  for (let k = 2 * SORT_CHUNK; k <= pairs; k *= 2) {
    for (let j = k / 2; j >= SORT_CHUNK; j /= 2) steps.push(pass('exchange', k, j));
    steps.push(pass('merge', k, 0));
  }
  return { sorted, steps };
}

function rotation(node: NodeView, entry: string): readonly Step[] {
  const half = node.a('headDim') / 2;
  const count = node.a('N') * node.a('heads') * half;
  return [
    dispatch({
      kernel: 'rope',
      entry,
      items: count,
      params: [count, node.a('heads'), half, f32(node.a('inverse') === 1 ? -1 : 1)],
      bindings: {
        1: node.input(0),
        2: node.input(1),
        3: node.input(2),
        4: node.input(3),
        5: node.output(0),
      },
    }),
  ];
}

function swigluOperands(node: NodeView): Record<number, Operand> {
  const operands = [...node.inputs, node.output(0)];
  return Object.fromEntries(operands.map((operand, index) => [index + 1, operand]));
}

export const DENSE = {
  embed: (node) => {
    const count = node.a('N') * node.a('D');
    const half = node.isBf16(1);
    return [
      dispatch({
        kernel: 'embed',
        entry: half ? 'bf16' : 'main',
        items: count,
        params: [count, node.a('D')],
        bindings: {
          1: node.input(0),
          2: half ? undefined : node.input(1),
          3: node.output(0),
          4: half ? node.input(1) : undefined,
        },
      }),
    ];
  },
  'embed.grad': (node) => {
    const [N, D] = [node.a('N'), node.a('D')];
    const { sorted, steps } = sortedRows(node, N);
    return [
      { kind: 'clear', target: node.output(0) },
      ...steps,
      ...Array.from({ length: Math.ceil(N / GRAD_SPAN) }, (_, part) =>
        dispatch({
          kernel: 'embed.grad',
          items: N * D,
          params: [N, D, part * GRAD_SPAN, GRAD_SPAN],
          bindings: { 1: sorted, 2: node.input(1), 3: node.output(0) },
        }),
      ),
    ];
  },
  'bias.add': (node) => [maybeInPlace(node, 'bias.add', [node.a('N') * node.a('D'), node.a('D')])],
  'bias.grad': (node) => columnFold(node, { 1: node.input(0) }, 'main'),
  add: (node) => [maybeInPlace(node, 'add', [node.a('len')])],
  'rms.rstd': (node) => {
    const [rows, length] = [node.a('N'), node.a('D')];
    const blocks = blocksOf(length);
    const partials = node.scratch(rows * blocks);
    return [
      foldBlocks({ entry: 'squares', x: node.input(0), partials, rows, length }),
      combine({
        partials,
        out: node.output(0),
        count: rows,
        blocks,
        itemStride: blocks,
        blockStride: 1,
        finish: { entry: 'rstd', invD: node.a('invD'), eps: node.a('eps') },
      }),
    ];
  },
  'rms.apply': (node) => {
    const count = node.a('N') * node.a('D');
    return [
      dispatch({
        kernel: 'rms.apply',
        items: count,
        params: [count, node.a('D')],
        bindings: { 1: node.input(0), 2: node.input(1), 3: node.input(2), 4: node.output(0) },
      }),
    ];
  },
  'rms.grad.x': (node) => {
    const [N, D] = [node.a('N'), node.a('D')];
    const blocks = blocksOf(D);
    const [dy, x, rstd, gain] = [node.input(0), node.input(1), node.input(2), node.input(3)];
    const partials = node.scratch(N * blocks);
    const rowC = node.scratch(N);
    const common = { kernel: 'rms.grad.x', params: [N, D, blocks, f32(node.a('invD'))] };
    return [
      dispatch({
        ...common,
        entry: 'blocks',
        items: N * blocks,
        bindings: { 1: dy, 2: x, 4: gain, 5: partials },
      }),
      dispatch({ ...common, entry: 'row', items: N, bindings: { 3: rstd, 5: partials, 6: rowC } }),
      dispatch({
        ...common,
        items: N * D,
        bindings: { 1: dy, 2: x, 3: rstd, 4: gain, 6: rowC, 7: node.output(0) },
      }),
    ];
  },
  'rms.grad.gain': (node) =>
    columnFold(node, { 1: node.input(0), 2: node.input(1), 3: node.input(2) }, 'gain'),
  'add.scaled': (node) => [maybeInPlace(node, 'add.scaled', [node.a('len'), f32(node.a('scale'))])],
  rope: (node) => rotation(node, 'main'),
  'rope.pairs': (node) => rotation(node, 'pairs'),
  swiglu: (node) => [
    dispatch({
      kernel: 'swiglu',
      items: node.a('len'),
      params: [node.a('len')],
      bindings: swigluOperands(node),
    }),
  ],
  'swiglu.grad': (node) => [
    dispatch({
      kernel: 'swiglu.grad',
      items: node.a('len'),
      params: [node.a('len')],
      bindings: { ...swigluOperands(node), 5: node.output(1) },
    }),
  ],
} as const satisfies Record<string, Planner>;
