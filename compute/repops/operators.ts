/**
 * The operator table: the one place that says what each operator takes and gives. docs/repops.md defines each
 * operator's exact order. Validation (validate.ts), shapes (shapes.ts), the judge's encoding (attributes.ts,
 * audit/encode-program.ts) and the types of every engine's implementations follow from it.
 */
import {
  CONSTANT,
  EVEN,
  elements,
  FLAG,
  FOLDED,
  FOURS,
  f32,
  HEAD,
  indices,
  NON_NEGATIVE,
  NORMS,
  OPTIONAL_SIZE,
  type OperatorSpec,
  operator,
  repeated,
  SHARE,
  SIZE,
  starts,
  transposedBy,
  u32,
  weight,
} from './operator-spec.ts';

/** `B` batch entries of `Tq` query rows and `Tk` keys each. `scale` multiplies each score. */
const ATTENTION = {
  B: SIZE,
  Tq: SIZE,
  Tk: SIZE,
  heads: SIZE,
  kvHeads: SIZE,
  headDim: HEAD,
  scale: CONSTANT,
} as const;
const ATTENTION_GRAD_INPUTS = {
  q: f32('B*Tq', 'heads*headDim'),
  k: f32('B*Tk', 'kvHeads*headDim'),
  v: f32('B*Tk', 'kvHeads*headDim'),
  positions: u32('B*Tq'),
  stats: f32('B*Tq', 'heads', 2),
  dout: f32('B*Tq', 'heads*headDim'),
  delta: f32('B*Tq', 'heads'),
} as const;

/** `P` is the number of rows of the tables. `inverse` 1 negates sin, for the backward pass. */
const ROTATION = {
  attributes: { N: SIZE, heads: SIZE, headDim: EVEN, P: SIZE, inverse: FLAG },
  inputs: {
    x: f32('N', 'heads*headDim'),
    positions: indices('N', 'P'),
    cos: f32('P', 'headDim/2'),
    sin: f32('P', 'headDim/2'),
  },
  outputs: { y: f32('N', 'heads*headDim') },
} as const;

/** The operators that the EVM judge computes come first, in the order of its numbers. */
export const OPERATORS = {
  embed: operator({
    judge: 0,
    attributes: { N: SIZE, V: SIZE, D: SIZE },
    inputs: { ids: indices('N', 'V'), table: weight('V', 'D') },
    outputs: { y: f32('N', 'D') },
  }),
  'embed.grad': operator({
    judge: 1,
    attributes: { N: FOLDED, V: SIZE, D: SIZE },
    inputs: { ids: indices('N', 'V'), dy: f32('N', 'D') },
    outputs: { dtable: f32('V', 'D') },
  }),
  /** Both operands are rounded to the lattice. */
  matmul: operator({
    judge: 2,
    attributes: { M: SIZE, N: SIZE, K: FOLDED, transposeA: FLAG, transposeB: FLAG },
    inputs: { a: transposedBy('transposeA', f32('M', 'K')), b: transposedBy('transposeB', weight('K', 'N')) },
    outputs: { c: f32('M', 'N') },
  }),
  'bias.add': operator({
    judge: 3,
    attributes: { N: SIZE, D: SIZE },
    inputs: { x: f32('N', 'D'), bias: f32('D') },
    outputs: { y: f32('N', 'D') },
    inPlace: { kind: 'allowed', pairs: { y: 'x' } },
  }),
  'bias.grad': operator({
    judge: 4,
    attributes: { N: FOLDED, D: SIZE },
    inputs: { dy: f32('N', 'D') },
    outputs: { dbias: f32('D') },
  }),
  add: operator({
    judge: 5,
    attributes: { len: SIZE },
    inputs: { a: elements('len'), b: elements('len') },
    outputs: { y: elements('len') },
    inPlace: { kind: 'allowed', pairs: { y: 'a' } },
  }),
  'rms.rstd': operator({
    judge: 6,
    attributes: { N: SIZE, D: FOLDED, invD: CONSTANT, eps: CONSTANT },
    inputs: { x: f32('N', 'D') },
    outputs: { rstd: f32('N') },
  }),
  'rms.apply': operator({
    judge: 7,
    attributes: { N: SIZE, D: SIZE },
    inputs: { x: f32('N', 'D'), rstd: f32('N'), gain: f32('D') },
    outputs: { y: f32('N', 'D') },
  }),
  'rms.grad.x': operator({
    judge: 8,
    attributes: { N: SIZE, D: FOLDED, invD: CONSTANT },
    inputs: { dy: f32('N', 'D'), x: f32('N', 'D'), rstd: f32('N'), gain: f32('D') },
    outputs: { dx: f32('N', 'D') },
  }),
  'rms.grad.gain': operator({
    judge: 9,
    attributes: { N: FOLDED, D: SIZE },
    inputs: { dy: f32('N', 'D'), x: f32('N', 'D'), rstd: f32('N') },
    outputs: { dgain: f32('D') },
  }),
  /** Rotates each head with the two halves of the head as the pairs. */
  rope: operator({ judge: 10, ...ROTATION }),
  swiglu: operator({
    judge: 11,
    attributes: { len: SIZE },
    inputs: { gate: elements('len'), up: elements('len') },
    outputs: { y: elements('len') },
  }),
  'swiglu.grad': operator({
    judge: 12,
    attributes: { len: SIZE },
    inputs: { dy: elements('len'), gate: elements('len'), up: elements('len') },
    outputs: { dgate: elements('len'), dup: elements('len') },
  }),
  /**
   * Query row (b, i) sees the keys j <= positions[b * Tq + i]; a position past the last key means the last
   * key. Head h reads the key/value head floor(h / (heads / kvHeads)).
   */
  attention: operator({
    judge: 13,
    attributes: { ...ATTENTION, Tk: FOLDED },
    inputs: {
      q: f32('B*Tq', 'heads*headDim'),
      k: f32('B*Tk', 'kvHeads*headDim'),
      v: f32('B*Tk', 'kvHeads*headDim'),
      positions: u32('B*Tq'),
    },
    outputs: { o: f32('B*Tq', 'heads*headDim'), stats: f32('B*Tq', 'heads', 2) },
    multiples: [['heads', 'kvHeads']],
  }),
  'attention.delta': operator({
    judge: 14,
    attributes: { N: SIZE, heads: SIZE, headDim: HEAD },
    inputs: { dout: f32('N', 'heads*headDim'), o: f32('N', 'heads*headDim') },
    outputs: { delta: f32('N', 'heads') },
  }),
  'attention.grad.q': operator({
    judge: 15,
    attributes: { ...ATTENTION, Tk: FOLDED },
    inputs: ATTENTION_GRAD_INPUTS,
    outputs: { dq: f32('B*Tq', 'heads*headDim') },
    multiples: [['heads', 'kvHeads']],
  }),
  'attention.grad.kv': operator({
    judge: 16,
    attributes: { ...ATTENTION, Tq: FOLDED },
    inputs: ATTENTION_GRAD_INPUTS,
    outputs: { dk: f32('B*Tk', 'kvHeads*headDim'), dv: f32('B*Tk', 'kvHeads*headDim') },
    multiples: [['heads', 'kvHeads']],
  }),
  /** Writes row b of x into row b * Tk + positions[b] of the cache. The other rows keep their bits. */
  'cache.write': operator({
    judge: 17,
    attributes: { B: SIZE, Tk: SIZE, D: SIZE },
    inputs: { cache: f32('B*Tk', 'D'), x: f32('B', 'D'), positions: indices('B', 'Tk') },
    outputs: { cache: f32('B*Tk', 'D') },
    inPlace: { kind: 'required', pairs: { cache: 'cache' } },
  }),
  'xent.lse': operator({
    judge: 18,
    attributes: { N: SIZE, V: FOLDED },
    inputs: { logits: f32('N', 'V') },
    outputs: { lse: f32('N') },
  }),
  'xent.logprob': operator({
    judge: 19,
    attributes: { N: SIZE, V: SIZE },
    inputs: { logits: f32('N', 'V'), lse: f32('N'), targets: indices('N', 'V') },
    outputs: { logprob: f32('N') },
  }),
  'xent.grad': operator({
    judge: 20,
    attributes: { N: SIZE, V: SIZE },
    inputs: { logits: f32('N', 'V'), lse: f32('N'), targets: indices('N', 'V'), coefficient: f32('N') },
    outputs: { dlogits: f32('N', 'V') },
  }),
  /** d(loss) / d(-logprob) of the policy objective, clipped on both sides. */
  'policy.coefficient': operator({
    judge: 21,
    attributes: { N: SIZE, clipLow: CONSTANT, clipHigh: CONSTANT, ratioCap: CONSTANT },
    inputs: { logprob: f32('N'), oldLogprob: f32('N'), advantage: f32('N'), weight: f32('N') },
    outputs: { coefficient: f32('N') },
  }),
  /** -sum weight * logprob. */
  'loss.weighted': operator({
    judge: 22,
    attributes: { N: FOLDED },
    inputs: { weight: f32('N'), logprob: f32('N') },
    outputs: { loss: f32(1) },
  }),
  /** Sums the squares, then the sums, so that any length is allowed. */
  'norm.square': operator({
    judge: 23,
    attributes: { len: SIZE },
    inputs: { x: elements('len') },
    outputs: { sum: f32(1) },
  }),
  /** Adds the sums up in the order of the inputs. */
  'clip.scale': operator({
    judge: 24,
    attributes: { count: NORMS, maxNorm: CONSTANT },
    inputs: { sums: repeated('count', f32(1)) },
    outputs: { scale: f32(1) },
  }),
  /**
   * hyper = [learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t)], computed by the caller in canonical
   * arithmetic.
   */
  adamw: operator({
    judge: 25,
    attributes: {
      len: SIZE,
      beta1: CONSTANT,
      oneMinusBeta1: CONSTANT,
      beta2: CONSTANT,
      oneMinusBeta2: CONSTANT,
      eps: CONSTANT,
      weightDecay: CONSTANT,
    },
    inputs: {
      p: elements('len'),
      g: elements('len'),
      m: elements('len'),
      v: elements('len'),
      scale: f32(1),
      hyper: f32(3),
    },
    outputs: { p: elements('len'), m: elements('len'), v: elements('len') },
    inPlace: { kind: 'required', pairs: { p: 'p', m: 'm', v: 'v' } },
  }),
  /**
   * Draws one id a row from softmax(logits * invTemperature) by inverse transform of `uniform` in [0, 1).
   * `greedy` 1 takes the first maximum.
   */
  sample: operator({
    judge: 26,
    attributes: { N: SIZE, V: FOLDED, invTemperature: NON_NEGATIVE, greedy: FLAG },
    inputs: { logits: f32('N', 'V'), uniform: f32('N') },
    outputs: { ids: u32('N'), logprob: f32('N') },
  }),
  /** y = a + scale * b: a LoRA adapter's part, a step between groups, a repaired block. */
  'add.scaled': operator({
    judge: 28,
    attributes: { len: SIZE, scale: CONSTANT },
    inputs: { a: elements('len'), b: elements('len') },
    outputs: { y: elements('len') },
    inPlace: { kind: 'allowed', pairs: { y: 'a' } },
  }),
  /** Rounds to bf16, nearest even, and keeps the value as f32: the lower half of each result is 0. */
  'round.bf16': operator({
    judge: 29,
    attributes: { len: SIZE },
    inputs: { x: elements('len') },
    outputs: { y: elements('len') },
  }),
  /**
   * Writes each row as signed bytes, four in a word, the first in the lowest eight bits, and one scale a row:
   * the least power of two for which no byte leaves -127 .. 127 by more than the rounding.
   */
  'quant.int8': operator({
    judge: 30,
    attributes: { N: SIZE, D: FOURS },
    inputs: { x: f32('N', 'D') },
    outputs: { q: u32('N', 'D/4'), scale: f32('N') },
  }),
  /** Reads what quant.int8 wrote. */
  'dequant.int8': operator({
    judge: 31,
    attributes: { N: SIZE, D: FOURS },
    inputs: { q: u32('N', 'D/4'), scale: f32('N') },
    outputs: { y: f32('N', 'D') },
  }),
  /** Rotates each head with the neighbours 2i and 2i + 1 as the pairs. */
  'rope.pairs': operator({ judge: undefined, ...ROTATION }),
  /** Writes rows b * R .. b * R + R - 1 of x into the cache from row b * Tk + starts[b] on. */
  'cache.write.rows': operator({
    judge: undefined,
    attributes: { B: SIZE, R: SIZE, Tk: SIZE, D: SIZE },
    inputs: { cache: f32('B*Tk', 'D'), x: f32('B*R', 'D'), starts: starts('B', 'Tk', 'R') },
    outputs: { cache: f32('B*Tk', 'D') },
    inPlace: { kind: 'required', pairs: { cache: 'cache' } },
    atMost: [['R', 'Tk']],
  }),
  /**
   * Top-k and top-p: gives logits * invTemperature with everything left out at the lowest finite value, so
   * that `sample` follows with invTemperature 1. topK 0 and topP 1 leave nothing out. Ties at a threshold are
   * all kept.
   */
  'sample.filter': operator({
    judge: undefined,
    attributes: { N: SIZE, V: FOLDED, topK: OPTIONAL_SIZE, topP: SHARE, invTemperature: NON_NEGATIVE },
    inputs: { logits: f32('N', 'V') },
    outputs: { z: f32('N', 'V') },
  }),
} as const;

export type OperatorName = keyof typeof OPERATORS;

/** The row of one operator, with its names as types. */
export type OperatorRow<Op extends OperatorName> = (typeof OPERATORS)[Op];

/** Operators that the EVM judge computes, on f32 and u32 operands only. */
export type JudgedOperator = {
  [Op in OperatorName]: OperatorRow<Op>['judge'] extends number ? Op : never;
}[OperatorName];

/**
 * The judge's number of the draws of Philox4x32-10, which no engine computes and this table does not hold.
 */
export const JUDGE_DRAW = 27;

/** Every operator, in the order of the table. */
export const OPERATOR_NAMES = Object.keys(OPERATORS) as readonly OperatorName[];

/** The row of an operator as plain data, for code that treats all operators alike. */
export function specOf(op: OperatorName): OperatorSpec {
  return OPERATORS[op];
}
