/**
 * Programs of one operator with data that finds differences between engines: odd sizes, ties, cancellation,
 * extremes. compute/conformance has the committed cases; these are many more, compared with the reference
 * engine directly.
 */
import { must } from '../../../protocol/must.ts';
import { canon, floatOf } from '../../repops/arithmetic.ts';
import { type AttributesOf, attributeOf, attributesOf } from '../../repops/attributes.ts';
import { indexInputs } from '../../repops/operands.ts';
import { operatorProgram } from '../../repops/operator-program.ts';
import type { OperatorName } from '../../repops/operators.ts';
import { type Attributes, elementCount, type Node, type Program, tensorOf } from '../../repops/program.ts';
import { resolveShapes } from '../../repops/shapes.ts';
import type { TensorData } from '../tensor-data.ts';
import { generator } from './generator.ts';

export interface OperatorCase {
  readonly op: OperatorName;
  readonly title: string;
  /** One node over bound tensors. */
  readonly program: Program;
  /** Of each input, in the node's order. */
  readonly data: readonly TensorData[];
}

/** How values are drawn. */
export type Flavour = 'normal' | 'spread' | 'extreme' | 'ties' | 'cancelling';

export const FLAVOURS: readonly Flavour[] = ['normal', 'spread', 'extreme', 'ties', 'cancelling'];

const EDGES = [
  0, 0x01000000, 0x01000001, 0x017fffff, 0x01800000, 0x23ffffff, 0x24000000, 0x23ff8000, 0x23ff7fff,
  0x24008000, 0x24018000, 0x3f800000, 0x3f800001, 0x3f7fffff, 0x3f808000, 0x3f818000, 0x40490fdb, 0x42aeac50,
  0x42b00000, 0x42b00001, 0x42ae0000, 0x42ae0001, 0x59800000, 0x59800001, 0x597fffff, 0x5e000000, 0x5f000000,
  0x7d7fffff, 0x7d800000, 0x7f000000, 0x7f7fffff, 0x3f3504f3, 0x3f3504f2,
].map((bits) => floatOf(bits));

function drawF32(random: () => number, flavour: Flavour, length: number): Float32Array {
  const out = new Float32Array(length);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  for (let i = 0; i < length; i++) {
    const sign = random() < 0.5 ? -1 : 1;
    switch (flavour) {
      case 'normal':
        out[i] = canon(normal());
        break;
      case 'spread':
        out[i] = canon(normal() * 2 ** Math.floor(random() * 40 - 20));
        break;
      case 'extreme':
        out[i] = canon(
          random() < 0.6
            ? sign * EDGES[Math.floor(random() * EDGES.length)]!
            : sign * (1 + random()) * 2 ** Math.floor(random() * 250 - 124),
        );
        break;
      case 'ties':
        out[i] = canon(sign * Math.floor(random() * 4));
        break;
      case 'cancelling':
        // Each odd value almost undoes the one before it.
        out[i] =
          i % 2 === 0
            ? canon(normal() * 2 ** Math.floor(random() * 20))
            : canon(-out[i - 1]! * (1 + 2 ** -22 * Math.floor(random() * 3)));
        break;
    }
  }
  return out;
}

/**
 * The ends of [0, 1) as often as its inside: at the upper end the running sum may never pass the threshold.
 */
function drawUniform(random: () => number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    if (i % 3 === 1) return floatOf(0x3f7fffff);
    return i % 6 === 2 ? 0 : Math.floor(random() * 2 ** 24) / 2 ** 24;
  });
}

/**
 * Below which the indices of an input are drawn. Attention takes any position and clamps it to the last key.
 * dequant.int8 takes any word.
 */
function limitOf(node: Node, input: number): number {
  if (node.op === 'dequant.int8') return 2 ** 32;
  const found = indexInputs(node).find((index) => index.input === input);
  return found?.limit ?? attributeOf(node, 'Tk') + 2;
}

export interface CaseOptions {
  readonly flavour: Flavour;
  readonly seed: number;
  /** Stores the inputs that may be bf16 as bf16. Defaults to false. */
  readonly bf16?: boolean;
}

/** A program of one node with data for its inputs, in place where the operator requires it. */
export function operatorCase(op: OperatorName, attributes: Attributes, options: CaseOptions): OperatorCase {
  const { flavour, seed, bf16 = false } = options;
  const random = generator(seed);
  const inputs = resolveShapes({ op, attributes }).inputs;
  const bf16Inputs = new Set(inputs.flatMap(({ orBf16 }, i) => (bf16 && orBf16 === true ? [i] : [])));
  const program = operatorProgram(op, attributes, { bf16Inputs });
  const node = must(program.nodes, 0);
  const data = node.inputs.map((name, i): TensorData => {
    const { shape, dtype } = tensorOf(program, name);
    const length = elementCount(shape);
    if (dtype === 'bf16') return Uint16Array.from({ length }, () => Math.floor(random() * 65536));
    if (dtype === 'f32') return drawF32(random, flavour, length);
    return Uint32Array.from({ length }, () => Math.floor(random() * limitOf(node, i)));
  });
  if (op === 'sample') {
    const { N, V } = attributesOf({ op, attributes });
    data[1] = drawUniform(random, N);
    // Rows that end in impossible ids: none of them may be drawn, not even when the running sum falls short.
    if (flavour === 'normal') {
      data[0] = must(data, 0).map((x, i) => (i % V > 0 && i % V >= V - 3 ? -1000 : x));
    }
  }
  if (op === 'norm.square' && flavour === 'ties') must(data, 0).fill(0);
  const sizes = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  const title = `${op} ${sizes.join(' ')} ${flavour}${bf16 ? ' bf16' : ''} #${seed}`;
  return { op, title, program, data };
}

const f = Math.fround;
const ATTENTION = [
  { B: 1, Tq: 1, Tk: 1, heads: 1, kvHeads: 1, headDim: 1, scale: 1 },
  { B: 2, Tq: 5, Tk: 7, heads: 4, kvHeads: 2, headDim: 16, scale: 0.25 },
  { B: 1, Tq: 9, Tk: 70, heads: 3, kvHeads: 1, headDim: 7, scale: f(0.37) },
  { B: 1, Tq: 70, Tk: 66, heads: 2, kvHeads: 2, headDim: 5, scale: f(0.44) },
  { B: 3, Tq: 1, Tk: 130, heads: 4, kvHeads: 4, headDim: 66, scale: f(0.123) },
  { B: 1, Tq: 131, Tk: 131, heads: 2, kvHeads: 1, headDim: 4, scale: 0.5 },
];
const ROWS = [
  [1, 1],
  [2, 1300],
  [3, 5],
  [65, 64],
  [7, 63],
  [130, 66],
  [5, 200],
].map(([N, D]) => ({ N: N!, D: D! }));
const ROTATIONS = [
  { N: 1, heads: 1, headDim: 2, P: 1, inverse: 0 },
  { N: 9, heads: 3, headDim: 6, P: 11, inverse: 0 },
  { N: 9, heads: 3, headDim: 6, P: 11, inverse: 1 },
  { N: 33, heads: 4, headDim: 16, P: 64, inverse: 0 },
  { N: 33, heads: 4, headDim: 16, P: 64, inverse: 1 },
];
const BYTES = [
  [1, 4],
  [3, 12],
  [65, 64],
  [2, 1300],
  [130, 8],
].map(([N, D]) => ({ N: N!, D: D! }));
const LENGTHS = [1, 3, 64, 65, 255, 257, 1000, 4096, 4500].map((len) => ({ len }));

/** Attribute sets for every operator. */
export const ATTRIBUTES: { readonly [Op in OperatorName]: readonly AttributesOf<Op>[] } = {
  embed: [
    { N: 1, V: 1, D: 1 },
    { N: 9, V: 5, D: 7 },
    { N: 70, V: 64, D: 64 },
  ],
  'embed.grad': [
    { N: 1, V: 1, D: 1 },
    { N: 9, V: 5, D: 7 },
    { N: 300, V: 3, D: 6 },
    { N: 70, V: 64, D: 64 },
  ],
  matmul: [
    [1, 1, 1],
    [1, 9, 63],
    [1, 9, 203],
    [1, 40, 700],
    [2, 21, 331],
    [4, 8, 64],
    [5, 7, 65],
    [13, 17, 200],
    [66, 33, 1],
    [3, 130, 129],
    [64, 172, 64],
    [5, 9, 20000],
    [5, 9, 70000],
  ].flatMap(([M, N, K]) =>
    [0, 1, 2, 3].map((t) => ({ M: M!, N: N!, K: K!, transposeA: t & 1, transposeB: t >> 1 })),
  ),
  'bias.add': ROWS,
  'bias.grad': ROWS,
  add: LENGTHS,
  'rms.rstd': ROWS.map((r) => ({ ...r, invD: f(1 / r.D), eps: f(1e-6) })),
  'rms.apply': ROWS,
  'rms.grad.x': ROWS.map((r) => ({ ...r, invD: f(1 / r.D) })),
  'rms.grad.gain': ROWS,
  rope: ROTATIONS,
  swiglu: LENGTHS,
  'swiglu.grad': LENGTHS,
  attention: ATTENTION,
  'attention.delta': [
    { N: 1, heads: 1, headDim: 1 },
    { N: 5, heads: 3, headDim: 7 },
    { N: 9, heads: 4, headDim: 16 },
    { N: 3, heads: 2, headDim: 66 },
  ],
  'attention.grad.q': ATTENTION,
  'attention.grad.kv': ATTENTION,
  'cache.write': [
    { B: 1, Tk: 1, D: 1 },
    { B: 3, Tk: 5, D: 7 },
    { B: 8, Tk: 64, D: 32 },
  ],
  'xent.lse': ROWS.map(({ N, D }) => ({ N, V: D })),
  'xent.logprob': ROWS.map(({ N, D }) => ({ N, V: D })),
  'xent.grad': ROWS.map(({ N, D }) => ({ N, V: D })),
  'policy.coefficient': [1, 3, 64, 257].map((N) => ({ N, clipLow: f(0.8), clipHigh: f(1.28), ratioCap: 4 })),
  'loss.weighted': [1, 3, 64, 65, 257].map((N) => ({ N })),
  'norm.square': LENGTHS,
  'clip.scale': [
    { count: 1, maxNorm: 1 },
    { count: 5, maxNorm: f(0.1) },
    { count: 40, maxNorm: 3 },
  ],
  adamw: LENGTHS.map((l) => ({
    ...l,
    beta1: f(0.9),
    oneMinusBeta1: f(0.1),
    beta2: f(0.95),
    oneMinusBeta2: f(0.05),
    eps: f(1e-8),
    weightDecay: f(0.1),
  })),
  sample: [...ROWS, { N: 150, D: 200 }].flatMap(({ N, D }) => [
    { N, V: D, invTemperature: 1, greedy: 0 },
    { N, V: D, invTemperature: f(1.3), greedy: 0 },
    { N, V: D, invTemperature: 1, greedy: 1 },
  ]),
  'add.scaled': LENGTHS.map((l) => ({ ...l, scale: f(0.37) })),
  'round.bf16': LENGTHS,
  'quant.int8': BYTES,
  'dequant.int8': BYTES,
  'rope.pairs': ROTATIONS,
  'cache.write.rows': [
    { B: 1, R: 1, Tk: 1, D: 1 },
    { B: 3, R: 2, Tk: 5, D: 7 },
    { B: 2, R: 64, Tk: 64, D: 9 },
  ],
  'sample.filter': [...ROWS, { N: 3, D: 2100 }].flatMap(({ N, D }) => [
    { N, V: D, topK: 0, topP: 1, invTemperature: 1 },
    { N, V: D, topK: 3, topP: 1, invTemperature: f(1.3) },
    { N, V: D, topK: D, topP: f(0.9), invTemperature: 1 },
    { N, V: D, topK: 40, topP: f(0.5), invTemperature: f(0.7) },
    { N, V: D, topK: 0, topP: f(1e-6), invTemperature: 1 },
  ]),
};
