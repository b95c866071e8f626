/**
 * Names of the operators by the judge's numbers (contracts/src/judge/Operators.sol): the operators of
 * compute/repops/operators.ts that have a number there, and the draws.
 */
export const OPERATOR_NAMES = [
  ...['embed', 'embed.grad', 'matmul', 'bias.add', 'bias.grad', 'add', 'rms.rstd', 'rms.apply', 'rms.grad.x'],
  ...['rms.grad.gain', 'rope', 'swiglu', 'swiglu.grad', 'attention', 'attention.delta', 'attention.grad.q'],
  ...['attention.grad.kv', 'cache.write', 'xent.lse', 'xent.logprob', 'xent.grad', 'policy.coefficient'],
  ...['loss.weighted', 'norm.square', 'clip.scale', 'adamw', 'sample', 'draw'],
  ...['add.scaled', 'round.bf16', 'quant.int8', 'dequant.int8'],
] as const;

const SAMPLE = OPERATOR_NAMES.indexOf('sample');
const QUANT = OPERATOR_NAMES.indexOf('quant.int8');
const DRAW = OPERATOR_NAMES.indexOf('draw');

/** The operator's name, or its number if this build does not know it. */
export function operatorName(op: number): string {
  return OPERATOR_NAMES[op] ?? `operator ${op}`;
}

/**
 * Whether an output's words are integers: sampled ids and packed bytes are, and draws are unless they are
 * uniforms.
 */
export function hasIntegerWords(node: {
  readonly op: number;
  readonly output: number;
  readonly attributes: readonly number[];
}): boolean {
  if (node.op === SAMPLE || node.op === QUANT) return node.output === 0;
  return node.op === DRAW && node.attributes[0] !== 1;
}
