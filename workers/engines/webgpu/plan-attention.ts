/**
 * Steps of attention and the key/value cache. Scores go through scratch memory, a chunk of (batch entry, key/value head)
 * units at a time, so that the scratch stays bounded however large the batch is.
 */
import { blocksOf, combine, foldBlocks } from './plan-dense.ts';
import { dispatch, f32, type NodeView, type Planner, type Step } from './steps.ts';

/** Words of one chunk's scores; 64 MiB. One unit may exceed it when Tq * Tk is very large. */
const CHUNK_WORDS = 2 ** 24;

interface Chunk {
  readonly units: number;
  readonly scores: number;
  readonly rows: number;
  readonly keys: number;
  readonly params: readonly number[];
}

function chunks(node: NodeView): readonly Chunk[] {
  const [B, Tq, Tk] = [node.a('B'), node.a('Tq'), node.a('Tk')];
  const [heads, kvHeads, headDim] = [node.a('heads'), node.a('kvHeads'), node.a('headDim')];
  const unitRows = (heads / kvHeads) * Tq;
  const perChunk = Math.max(1, Math.floor(CHUNK_WORDS / (unitRows * Tk)));
  const result: Chunk[] = [];
  for (let first = 0; first < B * kvHeads; first += perChunk) {
    const units = Math.min(perChunk, B * kvHeads - first);
    result.push({
      units,
      scores: units * unitRows * Tk,
      rows: units * unitRows,
      keys: units * Tk,
      params: [units, first, Tq, Tk, heads, kvHeads, headDim, f32(node.a('scale'))],
    });
  }
  return result;
}

function forward(node: NodeView): readonly Step[] {
  const [q, k, v, positions] = [node.input(0), node.input(1), node.input(2), node.input(3)];
  const [o, stats] = [node.output(0), node.output(1)];
  return chunks(node).flatMap((chunk): Step[] => {
    const scores = node.scratch(chunk.scores);
    const { params } = chunk;
    return [
      dispatch({
        kernel: 'attention.scores',
        items: chunk.scores,
        params,
        bindings: { 1: q, 2: k, 3: positions, 4: scores },
      }),
      dispatch({
        kernel: 'attention.softmax',
        items: chunk.rows,
        params,
        bindings: { 1: positions, 2: scores, 3: stats },
      }),
      dispatch({
        kernel: 'attention.output',
        items: chunk.rows * node.a('headDim'),
        params,
        bindings: { 1: scores, 2: v, 3: positions, 4: stats, 5: o },
      }),
    ];
  });
}

/** The steps that recompute P and dS of a chunk, and then `use` them. */
function backward(
  node: NodeView,
  use: (
    chunk: Chunk,
    weights: ReturnType<NodeView['scratch']>,
    slopes: ReturnType<NodeView['scratch']>,
  ) => Step,
): readonly Step[] {
  const [q, k, v, positions] = [node.input(0), node.input(1), node.input(2), node.input(3)];
  const [stats, dout, delta] = [node.input(4), node.input(5), node.input(6)];
  return chunks(node).flatMap((chunk): Step[] => {
    const weights = node.scratch(chunk.scores);
    const slopes = node.scratch(chunk.scores);
    const common = { items: chunk.scores, params: chunk.params };
    return [
      dispatch({
        kernel: 'attention.weights',
        ...common,
        bindings: { 1: q, 2: k, 3: positions, 4: stats, 5: weights },
      }),
      dispatch({
        kernel: 'attention.slopes',
        ...common,
        bindings: { 1: weights, 2: v, 3: positions, 4: dout, 5: delta, 6: slopes },
      }),
      use(chunk, weights, slopes),
    ];
  });
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
  'attention.grad.q': (node) =>
    backward(node, (chunk, _weights, slopes) =>
      dispatch({
        kernel: 'attention.grad.q',
        items: chunk.rows * node.a('headDim'),
        params: chunk.params,
        bindings: { 1: slopes, 2: node.input(1), 3: node.input(3), 4: node.output(0) },
      }),
    ),
  'attention.grad.kv': (node) =>
    backward(node, (chunk, weights, slopes) =>
      dispatch({
        kernel: 'attention.grad.kv',
        items: chunk.keys * node.a('headDim'),
        params: chunk.params,
        bindings: {
          1: weights,
          2: slopes,
          3: node.input(0),
          4: node.input(5),
          5: node.output(0),
          6: node.output(1),
        },
      }),
    ),
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
