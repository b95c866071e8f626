/**
 * The conformance table: operators x shapes x adversarial values. Every engine must give the reference's bits
 * for every case. A case's name is its identity in `expected.ts`.
 */
import { canon } from '../repops/arithmetic.ts';
import type { AttributesOf } from '../repops/attributes.ts';
import type { OperatorName } from '../repops/operators.ts';
import { buildCase, type ConformanceCase, type Fill, type Row, type RowOf } from './conformance-case.ts';
import type { Kind } from './values.ts';

/** Every kind that an operand of plain arithmetic should meet. */
const EVERY: readonly Kind[] = ['ordinary', 'wide', 'cancelling', 'ties', 'tiny', 'small', 'huge', 'mixed'];

/** One row for each kind, the same for every f32 input. */
function each<Op extends OperatorName>(
  op: Op,
  attributes: AttributesOf<Op>,
  inputs: number,
  kinds = EVERY,
): RowOf<Op>[] {
  return kinds.map((kind) => ({ op, attributes, fills: new Array<Fill>(inputs).fill(kind) }));
}

function matmuls(): Row[] {
  const rows: Row[] = [];
  const kinds: readonly (readonly [Kind, Kind])[] = [
    ['ordinary', 'ordinary'],
    ['ties', 'ties'],
    ['lattice', 'lattice'],
    ['cancelling', 'ordinary'],
    ['mixed', 'mixed'],
  ];
  for (const K of [1, 63, 64, 65, 200]) {
    for (const [i, fills] of kinds.entries()) {
      const flags = (i + K) % 4;
      const attributes = { M: 7, N: 33, K, transposeA: flags & 1, transposeB: flags >> 1 };
      rows.push({ op: 'matmul', attributes, fills });
    }
  }
  // Few tiles and a long fold, which a GPU divides over workgroups.
  for (let flags = 0; flags < 4; flags++) {
    rows.push({
      op: 'matmul',
      attributes: { M: 33, N: 70, K: 190, transposeA: flags & 1, transposeB: flags >> 1 },
      fills: flags % 2 === 0 ? ['cancelling', 'ties'] : ['mixed', 'mixed'],
    });
  }
  // Large enough for tiled kernels, odd at every edge, in all four layouts.
  for (let flags = 0; flags < 4; flags++) {
    rows.push({
      op: 'matmul',
      attributes: {
        M: 250,
        N: 241,
        K: flags === 0 ? 150 : 65,
        transposeA: flags & 1,
        transposeB: flags >> 1,
      },
      fills: flags % 2 === 0 ? ['cancelling', 'ordinary'] : ['mixed', 'lattice'],
    });
  }
  // One row by columns along k, as in generating a token, over several fold blocks; such a product has
  // kernels of its own.
  for (const [i, [left, right]] of kinds.entries()) {
    const attributes = { M: 1, N: 9 + i, K: 200 + i, transposeA: 0, transposeB: 1 };
    rows.push({ op: 'matmul', attributes, fills: [left, right] });
  }
  rows.push({
    op: 'matmul',
    attributes: { M: 1, N: 21, K: 331, transposeA: 0, transposeB: 1 },
    fills: ['cancelling', { bf16: 'cancelling' }],
  });
  // Weights stored as bf16, two in a word: odd sizes put rows at odd halves.
  for (const [M, N, K] of [
    [1, 33, 65],
    [5, 7, 130],
    [70, 67, 129],
    [64, 64, 64],
  ] as const) {
    for (const transposeB of [0, 1]) {
      rows.push({
        op: 'matmul',
        attributes: { M, N, K, transposeA: 0, transposeB },
        fills: [transposeB === 0 ? 'ordinary' : 'mixed', { bf16: M === 5 ? 'any' : 'ordinary' }],
      });
    }
  }
  rows.push({
    op: 'matmul',
    attributes: { M: 3, N: 5, K: 1300, transposeA: 1, transposeB: 1 },
    fills: ['cancelling', { bf16: 'cancelling' }],
  });
  return rows;
}

function attentions(): Row[] {
  const shapes = [
    { B: 1, Tq: 5, Tk: 5, heads: 2, kvHeads: 1, headDim: 16 },
    { B: 2, Tq: 70, Tk: 70, heads: 4, kvHeads: 2, headDim: 6 },
    // One query row against a cache with room to spare, as in generation; head dimension past one fold block.
    { B: 3, Tq: 1, Tk: 130, heads: 2, kvHeads: 2, headDim: 66 },
    // Enough keys for their blocks to be summed apart.
    { B: 2, Tq: 1, Tk: 333, heads: 7, kvHeads: 1, headDim: 8 },
    // A prompt against a cache that holds an earlier part of it.
    { B: 2, Tq: 37, Tk: 290, heads: 3, kvHeads: 1, headDim: 10 },
  ];
  const scale = canon(0.25);
  const rows: Row[] = [];
  for (const shape of shapes) {
    const attributes = { ...shape, scale };
    const from = shape.Tq < shape.Tk ? shape.Tk - shape.Tq - 13 : 0;
    const ascending = { list: Array.from({ length: shape.Tq }, (_, i) => from + i) };
    const positions: Fill = shape.Tq === 1 ? { list: [shape.Tk - 1, 64, 0] } : ascending;
    const past: Fill = { list: [shape.Tk + 7, 3, 0] };
    for (const kind of ['ordinary', 'wide', 'cancelling', 'mixed'] as const) {
      rows.push({ op: 'attention', attributes, fills: [kind, kind, kind, positions] });
      for (const op of ['attention.grad.q', 'attention.grad.kv'] as const) {
        rows.push({ op, attributes, fills: [kind, kind, kind, positions, 'positive', kind, 'ordinary'] });
      }
    }
    rows.push({ op: 'attention', attributes, fills: ['ordinary', 'ordinary', 'ties', past] });
    rows.push({
      op: 'attention.grad.kv',
      attributes,
      fills: ['ordinary', 'ordinary', 'ordinary', past, 'ordinary', 'ties', 'tiny'],
    });
    rows.push(
      ...each('attention.delta', { N: 5, heads: shape.heads, headDim: shape.headDim }, 2, [
        'ordinary',
        'cancelling',
        'small',
      ]),
    );
  }
  return rows;
}

function norms(): Row[] {
  const rows: Row[] = [];
  for (const [N, D] of [
    [3, 64],
    [267, 5],
    [2, 200],
  ] as const) {
    const invD = canon(1 / D);
    const eps = canon(1e-6);
    rows.push(...each('rms.rstd', { N, D, invD, eps }, 1));
    rows.push(...each('rms.apply', { N, D }, 3, ['ordinary', 'small', 'huge', 'mixed']));
    rows.push(...each('rms.grad.x', { N, D, invD }, 4, ['ordinary', 'cancelling', 'wide', 'mixed']));
    rows.push(...each('rms.grad.gain', { N, D }, 3, ['ordinary', 'cancelling', 'small', 'mixed']));
    rows.push(...each('bias.grad', { N, D }, 1, ['ordinary', 'cancelling', 'ties', 'mixed']));
    rows.push(...each('bias.add', { N, D }, 2, ['cancelling', 'ties', 'mixed']));
    rows.push({ op: 'bias.add', attributes: { N, D }, fills: ['mixed', 'mixed'], inPlace: true });
  }
  return rows;
}

function elementwise(): Row[] {
  const rows: Row[] = [];
  for (const len of [1, 333]) {
    rows.push(...each('add', { len }, 2));
    rows.push({ op: 'add', attributes: { len }, fills: ['cancelling', 'ties'], inPlace: true });
    rows.push(
      ...each('add.scaled', { len, scale: canon(16 / 7) }, 2, ['cancelling', 'tiny', 'huge', 'mixed']),
    );
    rows.push({ op: 'add.scaled', attributes: { len, scale: 2 }, fills: ['ties', 'ties'], inPlace: true });
    rows.push(...each('swiglu', { len }, 2, ['ordinary', 'wide', 'tiny', 'mixed']));
    rows.push(...each('swiglu.grad', { len }, 3, ['ordinary', 'wide', 'small', 'mixed']));
  }
  rows.push({ op: 'swiglu', attributes: { len: 4001 }, fills: ['ordinary', 'ordinary'] });
  for (const inverse of [0, 1]) {
    for (const [heads, headDim] of [
      [3, 10],
      [1, 2],
    ] as const) {
      const attributes = { N: 9, heads, headDim, P: 12, inverse };
      for (const kind of ['ordinary', 'small', 'huge', 'mixed'] as const) {
        rows.push({ op: 'rope', attributes, fills: [kind, { below: 12 }, kind, kind] });
        rows.push({ op: 'rope.pairs', attributes, fills: [kind, { below: 12 }, kind, kind] });
      }
    }
  }
  return rows;
}

function lookups(): Row[] {
  const rows: Row[] = [];
  for (const [N, V, D] of [
    [9, 5, 7],
    // More than 64 rows of one id, so that the list is folded in blocks.
    [150, 2, 3],
    [40, 64, 16],
    // Several chunks of a sort, and a vocabulary of which most is never met.
    [700, 5000, 2],
    [257, 3, 5],
  ] as const) {
    rows.push({ op: 'embed', attributes: { N, V, D }, fills: [{ below: V }, 'mixed'] });
    rows.push({ op: 'embed', attributes: { N, V, D }, fills: [{ below: V }, { bf16: 'any' }] });
    for (const kind of ['ordinary', 'cancelling', 'mixed'] as const) {
      rows.push({ op: 'embed.grad', attributes: { N, V, D }, fills: [{ below: V }, kind] });
    }
  }
  rows.push({
    op: 'cache.write',
    attributes: { B: 3, Tk: 5, D: 7 },
    fills: ['mixed', 'mixed', { list: [4, 0, 2] }],
  });
  rows.push({
    op: 'cache.write.rows',
    attributes: { B: 3, R: 3, Tk: 7, D: 5 },
    fills: ['mixed', 'mixed', { list: [4, 0, 2] }],
  });
  return rows;
}

function losses(): Row[] {
  const rows: Row[] = [];
  for (const [N, V] of [
    [5, 64],
    [3, 200],
    [70, 3],
  ] as const) {
    rows.push(...each('xent.lse', { N, V }, 1, ['ordinary', 'wide', 'ties', 'mixed']));
    for (const kind of ['ordinary', 'cancelling', 'mixed'] as const) {
      rows.push({ op: 'xent.logprob', attributes: { N, V }, fills: [kind, kind, { below: V }] });
      rows.push({ op: 'xent.grad', attributes: { N, V }, fills: [kind, 'ordinary', { below: V }, kind] });
      for (const [invTemperature, greedy] of [
        [1, 0],
        [canon(1 / 0.7), 0],
        [1, 1],
      ] as const) {
        rows.push({ op: 'sample', attributes: { N, V, invTemperature, greedy }, fills: [kind, 'unit'] });
      }
    }
  }
  // Contraction changes one exponential in a thousand, and one logarithm in a few thousand, so there are
  // many.
  const many = { N: 8, V: 1000 };
  rows.push({
    op: 'xent.grad',
    attributes: many,
    fills: ['ordinary', 'ordinary', { below: 1000 }, 'positive'],
  });
  rows.push({ op: 'xent.lse', attributes: { N: 4000, V: 5 }, fills: ['ordinary'] });
  rows.push({
    op: 'sample',
    attributes: { N: 900, V: 5, invTemperature: 1, greedy: 0 },
    fills: ['ordinary', 'unit'],
  });
  const clip = { clipLow: canon(0.8), clipHigh: canon(1.28), ratioCap: canon(3) };
  for (const N of [1, 1031]) {
    const attributes = { N, ...clip };
    rows.push({ op: 'policy.coefficient', attributes, fills: ['unit', 'unit', 'ordinary', 'unit'] });
    rows.push(...each('policy.coefficient', attributes, 4, ['ordinary', 'mixed']));
    rows.push(...each('loss.weighted', { N }, 2));
  }
  return rows;
}

/**
 * Vocabularies of several fold blocks, thresholds among ties, and rows in which nothing but the maximum has
 * weight.
 */
function sampling(): Row[] {
  const rows: Row[] = [];
  for (const [N, V] of [
    [3, 2500],
    [9, 64],
    [2, 129],
  ] as const) {
    for (const kind of ['ordinary', 'ties', 'mixed'] as const) {
      for (const [topK, topP] of [
        [0, 1],
        [5, 1],
        [0, canon(0.9)],
        [40, canon(0.5)],
      ] as const) {
        const attributes = { N, V, topK, topP, invTemperature: canon(1 / 0.7) };
        rows.push({ op: 'sample.filter', attributes, fills: [kind] });
      }
    }
  }
  // Almost uniform: the running sum rounds at every step, and the threshold falls anywhere.
  for (const invTemperature of [canon(1 / 64), 1]) {
    const attributes = { N: 9, V: 2500, invTemperature, greedy: 0 };
    rows.push({ op: 'sample', attributes, fills: ['ordinary', 'unit'] });
  }
  rows.push({
    op: 'sample',
    attributes: { N: 5, V: 2500, invTemperature: 1, greedy: 1 },
    fills: ['ties', 'unit'],
  });
  // Eight equal weights and draws of whole eighths: the threshold is one of the running sums, and the next
  // place is drawn.
  rows.push({
    op: 'sample',
    attributes: { N: 24, V: 8, invTemperature: 1, greedy: 0 },
    fills: ['none', 'eighths'],
  });
  rows.push({ op: 'xent.lse', attributes: { N: 2, V: 4500 }, fills: ['ordinary'] });
  return rows;
}

function optimizer(): Row[] {
  const rows: Row[] = [];
  for (const len of [1, 64, 65, 4097]) {
    rows.push(...each('norm.square', { len }, 1, ['ordinary', 'wide', 'small', 'huge', 'mixed']));
  }
  for (const count of [1, 3, 66]) {
    const attributes = { count, maxNorm: 1 };
    rows.push(...each('clip.scale', attributes, count, ['positive', 'small', 'huge', 'cancelling']));
  }
  const adam = {
    beta1: canon(0.9),
    oneMinusBeta1: canon(0.1),
    beta2: canon(0.95),
    oneMinusBeta2: canon(0.05),
    eps: canon(1e-8),
    weightDecay: canon(0.1),
  };
  for (const len of [1, 999]) {
    for (const kind of ['ordinary', 'cancelling', 'small', 'tiny', 'wide', 'mixed'] as const) {
      rows.push({
        op: 'adamw',
        attributes: { len, ...adam },
        fills: ['ordinary', kind, kind, kind === 'mixed' ? 'mixed' : 'positive', 'unit', 'unit'],
      });
    }
  }
  return rows;
}

/**
 * Folds so long that a device that ends loops early gives other bits (docs/decisions/0005-webgpu-bits.md):
 * one loop, and nested loops, with nearly as many iterations as a kernel may have; and more than that, which
 * the engine splits into steps.
 */
function longFolds(): Row[] {
  const attention = { B: 1, Tk: 3, kvHeads: 1, headDim: 2, scale: 0.5 };
  const inputs: readonly Fill[] = ['ordinary', 'ordinary', 'cancelling', { countTo: 3 }];
  const fills: readonly Fill[] = [...inputs, 'positive', 'ordinary', 'ordinary'];
  return [
    { op: 'embed.grad', attributes: { N: 61_000, V: 2, D: 1 }, fills: [{ list: [1] }, 'ordinary'] },
    // Rows of a head over two steps, and heads of a group over two.
    { op: 'attention.grad.kv', attributes: { ...attention, Tq: 17_000, heads: 2 }, fills },
    { op: 'attention.grad.kv', attributes: { ...attention, Tq: 4300, heads: 4 }, fills },
    {
      op: 'matmul',
      attributes: { M: 1, N: 1, K: 2 ** 18, transposeA: 0, transposeB: 0 },
      fills: ['cancelling', 'ordinary'],
    },
  ];
}

/** What blocks hand to each other: rows of one word, of several lanes of a GPU, and of several leaves. */
function boundaries(): Row[] {
  const rows: Row[] = [];
  for (const len of [1, 333]) rows.push(...each('round.bf16', { len }, 1));
  for (const [N, D] of [
    [1, 4],
    [7, 36],
    [3, 1300],
    [300, 8],
  ] as const) {
    rows.push(...each('quant.int8', { N, D }, 1, [...EVERY, 'bytes', 'none']));
    for (const kind of ['ordinary', 'tiny', 'huge', 'mixed'] as const) {
      rows.push({ op: 'dequant.int8', attributes: { N, D }, fills: [{ below: 2 ** 32 }, kind] });
    }
  }
  return rows;
}

/** Every case, in a fixed order. */
export const CASES: readonly ConformanceCase[] = [
  ...matmuls(),
  ...norms(),
  ...elementwise(),
  ...lookups(),
  ...attentions(),
  ...losses(),
  ...sampling(),
  ...optimizer(),
  ...longFolds(),
  ...boundaries(),
].map(buildCase);
