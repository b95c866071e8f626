/**
 * Cases of real sizes, for the full sweep only: long sequences whose scores do not fit the scratch at once,
 * and rows of logits over Qwen2.5's vocabulary. The reference takes a minute over them, so their digests are
 * not looked at in every test.
 */
import { canon } from '../repops/arithmetic.ts';
import { buildCase, type ConformanceCase, type Fill, type Row } from './conformance-case.ts';

const VOCABULARY = 151_936;

function attention(
  op: 'attention' | 'attention.grad.q' | 'attention.grad.kv',
  T: number,
  heads: number,
): Row {
  const attributes = { B: 1, Tq: T, Tk: T, heads, kvHeads: 1, headDim: 4, scale: 0.5 };
  const inputs: readonly Fill[] = ['ordinary', 'ordinary', 'cancelling', { countTo: T }];
  return {
    op,
    attributes,
    fills: op === 'attention' ? inputs : [...inputs, 'positive', 'ordinary', 'ordinary'],
  };
}

export const LARGE_CASES: readonly ConformanceCase[] = [
  attention('attention', 1100, 2),
  attention('attention.grad.q', 1100, 2),
  attention('attention.grad.kv', 1100, 2),
  // Past shaders' part size, so cut along rows, and along keys.
  attention('attention', 2900, 1),
  attention('attention.grad.q', 2900, 1),
  attention('attention.grad.kv', 2100, 1),
  { op: 'xent.lse', attributes: { N: 2, V: VOCABULARY }, fills: ['ordinary'] } satisfies Row,
  {
    op: 'xent.grad',
    attributes: { N: 2, V: VOCABULARY },
    fills: ['ordinary', 'ordinary', { below: VOCABULARY }, 'positive'],
  } satisfies Row,
  {
    op: 'sample',
    attributes: { N: 5, V: VOCABULARY, invTemperature: canon(1 / 8), greedy: 0 },
    fills: ['ordinary', 'unit'],
  } satisfies Row,
  {
    op: 'sample.filter',
    attributes: { N: 2, V: VOCABULARY, topK: 50, topP: canon(0.9), invTemperature: 1 },
    fills: ['ordinary'],
  } satisfies Row,
  {
    op: 'sample.filter',
    attributes: { N: 1, V: VOCABULARY, topK: 0, topP: canon(0.95), invTemperature: canon(1 / 8) },
    fills: ['ties'],
  } satisfies Row,
  {
    op: 'embed.grad',
    attributes: { N: 1100, V: VOCABULARY, D: 2 },
    fills: [{ below: VOCABULARY }, 'cancelling'],
  } satisfies Row,
  {
    op: 'embed',
    attributes: { N: 9, V: VOCABULARY, D: 7 },
    fills: [{ below: VOCABULARY }, { bf16: 'any' }],
  } satisfies Row,
  // A row of the head's product with half of Qwen2.5's width, and a fold as long as they come.
  {
    op: 'matmul',
    attributes: { M: 1, N: 20_000, K: 448, transposeA: 0, transposeB: 1 },
    fills: ['ordinary', { bf16: 'ordinary' }],
  } satisfies Row,
  {
    op: 'matmul',
    attributes: { M: 2, N: 3, K: 2 ** 20, transposeA: 0, transposeB: 0 },
    fills: ['lattice', 'lattice'],
  } satisfies Row,
].map(buildCase);
