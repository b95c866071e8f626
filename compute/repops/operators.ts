/**
 * The operator table: what each operator takes and gives. docs/repops.md defines each operator's exact order. New operators
 * go to the end: the EVM judge knows the first `JUDGED_OPERATORS` by their place (contracts/src/judge/Operators.sol).
 * Shapes use the attribute names, e.g. `[M, K]`; `len` in a shape is the flattened length of the first input.
 */
export interface OperatorSpec {
  readonly attributes: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Pairs [output index, input index] that may be one tensor. */
  readonly inPlace?: readonly (readonly [output: number, input: number])[];
}

export const OPERATORS = {
  embed: {
    attributes: ['N', 'V', 'D'],
    inputs: ['ids u32 [N]', 'table [V, D], or bf16'],
    outputs: ['y [N, D]'],
  },
  'embed.grad': {
    attributes: ['N', 'V', 'D'],
    inputs: ['ids u32 [N]', 'dy [N, D]'],
    outputs: ['dtable [V, D]'],
  },
  /** transposeA: A is stored [K, M]; transposeB: B is stored [N, K]. Operands go through the lattice. */
  matmul: {
    attributes: ['M', 'N', 'K', 'transposeA', 'transposeB'],
    inputs: ['a [M, K] or [K, M]', 'b [K, N] or [N, K], or bf16'],
    outputs: ['c [M, N]'],
  },
  'bias.add': {
    attributes: ['N', 'D'],
    inputs: ['x [N, D]', 'bias [D]'],
    outputs: ['y [N, D]'],
    inPlace: [[0, 0]],
  },
  'bias.grad': { attributes: ['N', 'D'], inputs: ['dy [N, D]'], outputs: ['dbias [D]'] },
  add: { attributes: ['len'], inputs: ['a [len]', 'b [len]'], outputs: ['y [len]'], inPlace: [[0, 0]] },
  'rms.rstd': { attributes: ['N', 'D', 'invD', 'eps'], inputs: ['x [N, D]'], outputs: ['rstd [N]'] },
  'rms.apply': {
    attributes: ['N', 'D'],
    inputs: ['x [N, D]', 'rstd [N]', 'gain [D]'],
    outputs: ['y [N, D]'],
  },
  'rms.grad.x': {
    attributes: ['N', 'D', 'invD'],
    inputs: ['dy [N, D]', 'x [N, D]', 'rstd [N]', 'gain [D]'],
    outputs: ['dx [N, D]'],
  },
  'rms.grad.gain': {
    attributes: ['N', 'D'],
    inputs: ['dy [N, D]', 'x [N, D]', 'rstd [N]'],
    outputs: ['dgain [D]'],
  },
  /** Half-split rotation of each head; `inverse` 1 negates sin (the backward pass). P is the number of table rows. */
  rope: {
    attributes: ['N', 'heads', 'headDim', 'P', 'inverse'],
    inputs: ['x [N, heads * headDim]', 'positions u32 [N]', 'cos [P, headDim / 2]', 'sin [P, headDim / 2]'],
    outputs: ['y [N, heads * headDim]'],
  },
  swiglu: { attributes: ['len'], inputs: ['gate [len]', 'up [len]'], outputs: ['y [len]'] },
  'swiglu.grad': {
    attributes: ['len'],
    inputs: ['dy [len]', 'gate [len]', 'up [len]'],
    outputs: ['dgate [len]', 'dup [len]'],
  },
  /** Query row (b, i) sees keys j <= positions[b * Tq + i]. Head h reads key/value head floor(h / (heads / kvHeads)). */
  attention: {
    attributes: ['B', 'Tq', 'Tk', 'heads', 'kvHeads', 'headDim', 'scale'],
    inputs: [
      'q [B * Tq, heads * headDim]',
      'k [B * Tk, kvHeads * headDim]',
      'v [B * Tk, kvHeads * headDim]',
      'positions u32 [B * Tq]',
    ],
    outputs: ['o [B * Tq, heads * headDim]', 'stats [B * Tq, heads, 2]'],
  },
  'attention.delta': {
    attributes: ['N', 'heads', 'headDim'],
    inputs: ['dout [N, heads * headDim]', 'o [N, heads * headDim]'],
    outputs: ['delta [N, heads]'],
  },
  'attention.grad.q': {
    attributes: ['B', 'Tq', 'Tk', 'heads', 'kvHeads', 'headDim', 'scale'],
    inputs: ['q', 'k', 'v', 'positions u32', 'stats', 'dout', 'delta'],
    outputs: ['dq [B * Tq, heads * headDim]'],
  },
  'attention.grad.kv': {
    attributes: ['B', 'Tq', 'Tk', 'heads', 'kvHeads', 'headDim', 'scale'],
    inputs: ['q', 'k', 'v', 'positions u32', 'stats', 'dout', 'delta'],
    outputs: ['dk [B * Tk, kvHeads * headDim]', 'dv [B * Tk, kvHeads * headDim]'],
  },
  /** Writes row b of x into row b * Tk + positions[b] of the cache; the other rows keep their bits. Always in place. */
  'cache.write': {
    attributes: ['B', 'Tk', 'D'],
    inputs: ['cache [B * Tk, D]', 'x [B, D]', 'positions u32 [B]'],
    outputs: ['cache [B * Tk, D]'],
    inPlace: [[0, 0]],
  },
  'xent.lse': { attributes: ['N', 'V'], inputs: ['logits [N, V]'], outputs: ['lse [N]'] },
  'xent.logprob': {
    attributes: ['N', 'V'],
    inputs: ['logits [N, V]', 'lse [N]', 'targets u32 [N]'],
    outputs: ['logprob [N]'],
  },
  'xent.grad': {
    attributes: ['N', 'V'],
    inputs: ['logits [N, V]', 'lse [N]', 'targets u32 [N]', 'coefficient [N]'],
    outputs: ['dlogits [N, V]'],
  },
  /** d(loss)/d(-logprob) of the two-sided clipped policy objective. */
  'policy.coefficient': {
    attributes: ['N', 'clipLow', 'clipHigh', 'ratioCap'],
    inputs: ['logprob [N]', 'oldLogprob [N]', 'advantage [N]', 'weight [N]'],
    outputs: ['coefficient [N]'],
  },
  /** -sum weight * logprob. */
  'loss.weighted': { attributes: ['N'], inputs: ['weight [N]', 'logprob [N]'], outputs: ['loss [1]'] },
  'norm.square': { attributes: ['len'], inputs: ['x [len]'], outputs: ['sum [1]'] },
  /** Takes any number (>= 1) of [1] inputs, in order. */
  'clip.scale': { attributes: ['count', 'maxNorm'], inputs: ['sum [1] x count'], outputs: ['scale [1]'] },
  /** hyper = [learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t)], made on the host by canonical arithmetic. In place. */
  adamw: {
    attributes: ['len', 'beta1', 'oneMinusBeta1', 'beta2', 'oneMinusBeta2', 'eps', 'weightDecay'],
    inputs: ['p [len]', 'g [len]', 'm [len]', 'v [len]', 'scale [1]', 'hyper [3]'],
    outputs: ['p [len]', 'm [len]', 'v [len]'],
    inPlace: [
      [0, 0],
      [1, 2],
      [2, 3],
    ],
  },
  /** Draws one id a row from softmax(logits * invTemperature) by inverse transform of `uniform` in [0, 1); greedy 1 takes the first maximum. */
  sample: {
    attributes: ['N', 'V', 'invTemperature', 'greedy'],
    inputs: ['logits [N, V]', 'uniform [N]'],
    outputs: ['ids u32 [N]', 'logprob [N]'],
  },
  /** y = a + scale * b, as a LoRA adapter's part is added to its frozen product. */
  'add.scaled': {
    attributes: ['len', 'scale'],
    inputs: ['a [len]', 'b [len]'],
    outputs: ['y [len]'],
    inPlace: [[0, 0]],
  },
  /** As rope, with neighbours 2i and 2i + 1 as the pairs. */
  'rope.pairs': {
    attributes: ['N', 'heads', 'headDim', 'P', 'inverse'],
    inputs: ['x [N, heads * headDim]', 'positions u32 [N]', 'cos [P, headDim / 2]', 'sin [P, headDim / 2]'],
    outputs: ['y [N, heads * headDim]'],
  },
  /** Writes rows b * R .. b * R + R - 1 of x into rows b * Tk + starts[b] and on of the cache; starts[b] + R <= Tk. Always in place. */
  'cache.write.rows': {
    attributes: ['B', 'R', 'Tk', 'D'],
    inputs: ['cache [B * Tk, D]', 'x [B * R, D]', 'starts u32 [B]'],
    outputs: ['cache [B * Tk, D]'],
    inPlace: [[0, 0]],
  },
  /**
   * Top-k and top-p: gives logits * invTemperature with what is left out at the lowest finite value, so `sample` follows
   * with invTemperature 1. topK 0 and topP 1 leave nothing out; ties at a threshold are all kept.
   */
  'sample.filter': {
    attributes: ['N', 'V', 'topK', 'topP', 'invTemperature'],
    inputs: ['logits [N, V]'],
    outputs: ['z [N, V]'],
  },
} as const satisfies Record<string, OperatorSpec>;

export type OperatorName = keyof typeof OPERATORS;

/** Operators of this table, from the first on, that the EVM judge computes; on f32 and u32 operands only. */
export const JUDGED_OPERATORS = 27;
