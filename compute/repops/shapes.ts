/**
 * Concrete operand shapes of a node, worked out from its attributes alone. The engines size their launches with it
 * and `validate.ts` compares it with what a program declares.
 */
import type { OperatorName } from './operators.ts';
import type { DType, Node } from './program.ts';

export interface OperandShape {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The operand may also be bf16. */
  readonly orBf16?: true;
  /** Element-wise operand: any shape with this element count fits. */
  readonly flat: boolean;
}

export interface NodeShapes {
  readonly inputs: readonly OperandShape[];
  readonly outputs: readonly OperandShape[];
}

const f32 = (...shape: number[]): OperandShape => ({ shape, dtype: 'f32', flat: false });
const weight = (...shape: number[]): OperandShape => ({ shape, dtype: 'f32', orBf16: true, flat: false });
const u32 = (...shape: number[]): OperandShape => ({ shape, dtype: 'u32', flat: false });
const flat = (length: number): OperandShape => ({ shape: [length], dtype: 'f32', flat: true });

type Size = (attribute: string) => number;

function attentionBackwardInputs(a: Size): OperandShape[] {
  const rows = a('B') * a('Tq');
  const q = f32(rows, a('heads') * a('headDim'));
  const kv = f32(a('B') * a('Tk'), a('kvHeads') * a('headDim'));
  return [q, kv, kv, u32(rows), f32(rows, a('heads'), 2), q, f32(rows, a('heads'))];
}

function ropeShapes(a: Size): NodeShapes {
  const x = f32(a('N'), a('heads') * a('headDim'));
  const table = f32(a('P'), a('headDim') / 2);
  return { inputs: [x, u32(a('N')), table, table], outputs: [x] };
}

const SHAPES: Record<OperatorName, (a: Size) => NodeShapes> = {
  embed: (a) => ({ inputs: [u32(a('N')), weight(a('V'), a('D'))], outputs: [f32(a('N'), a('D'))] }),
  'embed.grad': (a) => ({ inputs: [u32(a('N')), f32(a('N'), a('D'))], outputs: [f32(a('V'), a('D'))] }),
  matmul: (a) => ({
    inputs: [
      a('transposeA') ? f32(a('K'), a('M')) : f32(a('M'), a('K')),
      a('transposeB') ? weight(a('N'), a('K')) : weight(a('K'), a('N')),
    ],
    outputs: [f32(a('M'), a('N'))],
  }),
  'bias.add': (a) => ({ inputs: [f32(a('N'), a('D')), f32(a('D'))], outputs: [f32(a('N'), a('D'))] }),
  'bias.grad': (a) => ({ inputs: [f32(a('N'), a('D'))], outputs: [f32(a('D'))] }),
  add: (a) => ({ inputs: [flat(a('len')), flat(a('len'))], outputs: [flat(a('len'))] }),
  'rms.rstd': (a) => ({ inputs: [f32(a('N'), a('D'))], outputs: [f32(a('N'))] }),
  'rms.apply': (a) => ({
    inputs: [f32(a('N'), a('D')), f32(a('N')), f32(a('D'))],
    outputs: [f32(a('N'), a('D'))],
  }),
  'rms.grad.x': (a) => ({
    inputs: [f32(a('N'), a('D')), f32(a('N'), a('D')), f32(a('N')), f32(a('D'))],
    outputs: [f32(a('N'), a('D'))],
  }),
  'rms.grad.gain': (a) => ({
    inputs: [f32(a('N'), a('D')), f32(a('N'), a('D')), f32(a('N'))],
    outputs: [f32(a('D'))],
  }),
  rope: ropeShapes,
  swiglu: (a) => ({ inputs: [flat(a('len')), flat(a('len'))], outputs: [flat(a('len'))] }),
  'swiglu.grad': (a) => ({
    inputs: [flat(a('len')), flat(a('len')), flat(a('len'))],
    outputs: [flat(a('len')), flat(a('len'))],
  }),
  attention: (a) => {
    const rows = a('B') * a('Tq');
    const q = f32(rows, a('heads') * a('headDim'));
    const kv = f32(a('B') * a('Tk'), a('kvHeads') * a('headDim'));
    return { inputs: [q, kv, kv, u32(rows)], outputs: [q, f32(rows, a('heads'), 2)] };
  },
  'attention.delta': (a) => {
    const o = f32(a('N'), a('heads') * a('headDim'));
    return { inputs: [o, o], outputs: [f32(a('N'), a('heads'))] };
  },
  'attention.grad.q': (a) => ({
    inputs: attentionBackwardInputs(a),
    outputs: [f32(a('B') * a('Tq'), a('heads') * a('headDim'))],
  }),
  'attention.grad.kv': (a) => {
    const kv = f32(a('B') * a('Tk'), a('kvHeads') * a('headDim'));
    return { inputs: attentionBackwardInputs(a), outputs: [kv, kv] };
  },
  'cache.write': (a) => {
    const cache = f32(a('B') * a('Tk'), a('D'));
    return { inputs: [cache, f32(a('B'), a('D')), u32(a('B'))], outputs: [cache] };
  },
  'xent.lse': (a) => ({ inputs: [f32(a('N'), a('V'))], outputs: [f32(a('N'))] }),
  'xent.logprob': (a) => ({
    inputs: [f32(a('N'), a('V')), f32(a('N')), u32(a('N'))],
    outputs: [f32(a('N'))],
  }),
  'xent.grad': (a) => ({
    inputs: [f32(a('N'), a('V')), f32(a('N')), u32(a('N')), f32(a('N'))],
    outputs: [f32(a('N'), a('V'))],
  }),
  'policy.coefficient': (a) => ({
    inputs: [f32(a('N')), f32(a('N')), f32(a('N')), f32(a('N'))],
    outputs: [f32(a('N'))],
  }),
  'loss.weighted': (a) => ({ inputs: [f32(a('N')), f32(a('N'))], outputs: [f32(1)] }),
  'norm.square': (a) => ({ inputs: [flat(a('len'))], outputs: [f32(1)] }),
  'clip.scale': (a) => ({ inputs: Array.from({ length: a('count') }, () => f32(1)), outputs: [f32(1)] }),
  adamw: (a) => {
    const p = flat(a('len'));
    return { inputs: [p, p, p, p, f32(1), f32(3)], outputs: [p, p, p] };
  },
  sample: (a) => ({
    inputs: [f32(a('N'), a('V')), f32(a('N'))],
    outputs: [u32(a('N')), f32(a('N'))],
  }),
  'add.scaled': (a) => ({ inputs: [flat(a('len')), flat(a('len'))], outputs: [flat(a('len'))] }),
  'rope.pairs': ropeShapes,
  'cache.write.rows': (a) => {
    const cache = f32(a('B') * a('Tk'), a('D'));
    return { inputs: [cache, f32(a('B') * a('R'), a('D')), u32(a('B'))], outputs: [cache] };
  },
  'sample.filter': (a) => ({ inputs: [f32(a('N'), a('V'))], outputs: [f32(a('N'), a('V'))] }),
};

/**
 * The shapes and dtypes of a node's operands, in the order of `compute/repops/operators.ts`. The node's attributes
 * must have passed `validateNode` (validate.ts) or be known good.
 */
export function resolveShapes(node: Node): NodeShapes {
  return SHAPES[node.op]((attribute) => node.attributes[attribute] ?? Number.NaN);
}
