/**
 * Steps of the dense and element-wise operators. docs/repops.md gives the orders; the kernels are in
 * shaders/.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { kernelConstants } from '../shader/kernel-interface.ts';
import { blocksOf, combineBlocks, foldRows } from './folds.ts';
import { maxLoopLength } from './loop-iterations.ts';
import type { NodeView, Planners } from './node-view.ts';
import { type DispatchStep, dispatch, type Operand, type Step } from './steps.ts';

/** Adds the block sums of each column, [blocks, D], in order. */
function combineColumns(partials: Operand, out: Operand, D: number, blocks: number): Step {
  return combineBlocks({ partials, out, count: D, blocks, itemStride: 1, blockStride: D });
}

/** Pairs that a workgroup of embed.sort sorts by itself. */
const SORT_CHUNK = kernelConstants('embed.sort').CHUNK;

/** Rows of one id that a dispatch of embed.grad adds; the next dispatch adds the rows after them. */
const GRAD_SPAN = Math.floor(maxLoopLength({ perIteration: 0, fixed: 0 }) / FOLD_BLOCK) * FOLD_BLOCK;

/** The rows of embed.grad as pairs (id, row), sorted. */
function sortedRows(node: NodeView<'embed.grad'>): {
  readonly sorted: Operand;
  readonly steps: readonly Step[];
} {
  const { N } = node.attributes;
  const { ids } = node.inputs;
  let pairs = SORT_CHUNK;
  while (pairs < N) pairs *= 2;
  const sorted = node.scratch(2 * pairs);
  const pass = (k: number, j: number) => ({ workgroups: pairs / SORT_CHUNK, params: { N, pairs, k, j } });
  const steps: Step[] = [
    dispatch('embed.sort', { ...pass(0, 0), entry: 'chunks', bindings: { ids, sorted } }),
  ];
  for (let k = 2 * SORT_CHUNK; k <= pairs; k *= 2) {
    for (let j = k / 2; j >= SORT_CHUNK; j /= 2) {
      steps.push(dispatch('embed.sort', { ...pass(k, j), entry: 'exchange', bindings: { sorted } }));
    }
    steps.push(dispatch('embed.sort', { ...pass(k, 0), entry: 'merge', bindings: { sorted } }));
  }
  return { sorted, steps };
}

function rotation(node: NodeView<'rope' | 'rope.pairs'>, entry: 'main' | 'pairs'): DispatchStep {
  const { N, heads, headDim, inverse } = node.attributes;
  const { x, positions, cos, sin } = node.inputs;
  const half = headDim / 2;
  const count = N * heads * half;
  return dispatch('rope', {
    entry,
    items: count,
    params: { count, heads, half, sineSign: inverse === 1 ? -1 : 1 },
    bindings: { x, positions, cosine: cos, sine: sin, y: node.outputs.y },
  });
}

export const DENSE = {
  embed: (node) => {
    const { N, D } = node.attributes;
    const count = N * D;
    const work = { items: count, params: { count, D } };
    const { ids, table } = node.inputs;
    const { y } = node.outputs;
    return [
      node.isBf16('table')
        ? dispatch('embed', { ...work, entry: 'bf16', bindings: { ids, tableBf16: table, y } })
        : dispatch('embed', { ...work, bindings: { ids, table, y } }),
    ];
  },
  'embed.grad': (node) => {
    const { N, D } = node.attributes;
    const { sorted, steps } = sortedRows(node);
    const { dy } = node.inputs;
    const { dtable } = node.outputs;
    return [
      { kind: 'clear', target: dtable },
      ...steps,
      ...Array.from({ length: Math.ceil(N / GRAD_SPAN) }, (_, part) =>
        dispatch('embed.grad', {
          items: N * D,
          params: { N, D, skip: part * GRAD_SPAN, span: GRAD_SPAN },
          bindings: { sorted, dy, dtable },
        }),
      ),
    ];
  },
  'bias.add': (node) => {
    const { N, D } = node.attributes;
    const work = { items: N * D, params: { count: N * D, D } };
    const { x, bias } = node.inputs;
    const { y } = node.outputs;
    return [
      node.isInPlace('y', 'x')
        ? dispatch('bias.add', { ...work, entry: 'in_place', bindings: { bias, y } })
        : dispatch('bias.add', { ...work, bindings: { x, bias, y } }),
    ];
  },
  'bias.grad': (node) => {
    const { N, D } = node.attributes;
    const blocks = blocksOf(N);
    const partials = node.scratch(blocks * D);
    return [
      dispatch('fold.columns', {
        items: blocks * D,
        params: { N, D, blocks },
        bindings: { dy: node.inputs.dy, partials },
      }),
      combineColumns(partials, node.outputs.dbias, D, blocks),
    ];
  },
  add: (node) => {
    const { len } = node.attributes;
    const work = { items: len, params: { count: len } };
    const { a, b } = node.inputs;
    const { y } = node.outputs;
    return [
      node.isInPlace('y', 'a')
        ? dispatch('add', { ...work, entry: 'in_place', bindings: { b, y } })
        : dispatch('add', { ...work, bindings: { a, b, y } }),
    ];
  },
  'rms.rstd': (node) => {
    const { N: rows, D: length, invD, eps } = node.attributes;
    const blocks = blocksOf(length);
    const partials = node.scratch(rows * blocks);
    return [
      foldRows({ terms: { kind: 'squares', x: node.inputs.x }, partials, rows, length }),
      combineBlocks({
        partials,
        out: node.outputs.rstd,
        count: rows,
        blocks,
        itemStride: blocks,
        blockStride: 1,
        result: { kind: 'rstd', invD, eps },
      }),
    ];
  },
  'rms.apply': (node) => {
    const { N, D } = node.attributes;
    const count = N * D;
    return [
      dispatch('rms.apply', {
        items: count,
        params: { count, D },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
  'rms.grad.x': (node) => {
    const { N, D, invD } = node.attributes;
    const blocks = blocksOf(D);
    const { dy, x, rstd, gain } = node.inputs;
    const partials = node.scratch(N * blocks);
    const rowC = node.scratch(N);
    const params = { N, D, blocks, invD };
    return [
      dispatch('rms.grad.x', {
        entry: 'blocks',
        items: N * blocks,
        params,
        bindings: { dy, x, gain, partials },
      }),
      dispatch('rms.grad.x', { entry: 'row', items: N, params, bindings: { rstd, partials, rowC } }),
      dispatch('rms.grad.x', {
        items: N * D,
        params,
        bindings: { dy, x, rstd, gain, rowC, dx: node.outputs.dx },
      }),
    ];
  },
  'rms.grad.gain': (node) => {
    const { N, D } = node.attributes;
    const blocks = blocksOf(N);
    const partials = node.scratch(blocks * D);
    return [
      dispatch('fold.columns', {
        entry: 'gain',
        items: blocks * D,
        params: { N, D, blocks },
        bindings: { ...node.inputs, partials },
      }),
      combineColumns(partials, node.outputs.dgain, D, blocks),
    ];
  },
  'add.scaled': (node) => {
    const { len, scale } = node.attributes;
    const work = { items: len, params: { count: len, scale } };
    const { a, b } = node.inputs;
    const { y } = node.outputs;
    return [
      node.isInPlace('y', 'a')
        ? dispatch('add.scaled', { ...work, entry: 'in_place', bindings: { b, y } })
        : dispatch('add.scaled', { ...work, bindings: { a, b, y } }),
    ];
  },
  rope: (node) => [rotation(node, 'main')],
  'rope.pairs': (node) => [rotation(node, 'pairs')],
  swiglu: (node) => {
    const { len } = node.attributes;
    return [
      dispatch('swiglu', {
        items: len,
        params: { count: len },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
  'swiglu.grad': (node) => {
    const { len } = node.attributes;
    return [
      dispatch('swiglu.grad', {
        items: len,
        params: { count: len },
        bindings: { ...node.inputs, ...node.outputs },
      }),
    ];
  },
} as const satisfies Partial<Planners>;
