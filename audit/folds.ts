/**
 * Long sums in the chunks of the judge (contracts/src/judge/Folds.sol): the accumulator after each chunk of
 * one element's fold. A chunk is a block of 64 terms. In `embed.grad` it is 16 terms, and in the gradients of
 * keys and values it is one query head.
 */

import { add, bitsOf, canon, FOLD_BLOCK, floatOf, lattice, mul, sub } from '../compute/repops/arithmetic.ts';
import { exp } from '../compute/repops/functions.ts';
import type { Words } from '../compute/repops/recipe.ts';
import type { SlotNode } from '../protocol/evidence.ts';
import { must } from '../protocol/must.ts';
import { operatorName } from './encode-program.ts';

/** An operator application with its input tensors. */
export interface FoldInputs {
  readonly node: SlotNode;
  readonly inputs: readonly Words[];
}

/** Terms per chunk of `embed.grad`. */
export const SCATTER_CHUNK = 16;

const FOLDS: ReadonlySet<string> = new Set([
  'matmul',
  'embed.grad',
  'bias.grad',
  'rms.grad.gain',
  'loss.weighted',
  'norm.square',
  'attention.grad.kv',
]);

/** Whether elements of this operator are long sums, which the judge checks one chunk at a time. */
export function folds(op: number): boolean {
  return FOLDS.has(operatorName(op) ?? '');
}

/** A word of an input. The judge reads words past the end as 0. */
function at(words: Words | undefined, index: number): number {
  return words?.[index] ?? 0;
}

function attribute(node: SlotNode, index: number): number {
  return must(node.attributes, index);
}

/** Sums of aligned blocks of 64 terms. Each starts from +0. */
function blocks(count: number, term: (index: number) => number): number[] {
  const sums: number[] = [];
  for (let start = 0; start < count; start += FOLD_BLOCK) {
    let sum = 0;
    for (let i = start; i < Math.min(count, start + FOLD_BLOCK); i++) sum = add(sum, term(i));
    sums.push(sum);
  }
  return sums;
}

function latticeFold(count: number, term: (index: number) => number): number {
  let total = 0;
  for (const sum of blocks(count, term)) total = add(total, sum);
  return canon(total);
}

/** The rows of `embed.grad` whose id is the element's row, ascending. */
export function scatteredRows({ node, inputs }: FoldInputs, element: number): number[] {
  const row = Math.floor(element / attribute(node, 2));
  const rows: number[] = [];
  for (let n = 0; n < attribute(node, 0); n++) if (at(inputs[0], n) === row) rows.push(n);
  return rows;
}

function scatter(call: FoldInputs, element: number): number[] {
  const width = attribute(call.node, 2);
  const sums: number[] = [];
  let sum = 0;
  for (const [i, row] of scatteredRows(call, element).entries()) {
    if (i % FOLD_BLOCK === 0) sum = 0;
    sum = add(sum, at(call.inputs[1], row * width + (element % width)));
    sums[Math.floor(i / SCATTER_CHUNK)] = sum;
  }
  return sums;
}

/** The elements of both operands whose product is term k of a matmul's element. */
export function productPlaces(node: SlotNode, element: number): (k: number) => readonly [number, number] {
  const [M, N, K] = [attribute(node, 0), attribute(node, 1), attribute(node, 2)];
  const [transposeA, transposeB] = [attribute(node, 3), attribute(node, 4)];
  const [m, n] = [Math.floor(element / N), element % N];
  return (k) => [transposeA === 1 ? k * M + m : m * K + k, transposeB === 1 ? n * K + k : k * N + n];
}

/** Positions of query rows, keys and heads in the operands of an attention operator. */
export interface AttentionLayout {
  readonly Tq: number;
  readonly Tk: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  /** Number of keys that a query row attends to. */
  keys(row: number): number;
  /** First element of a head of a query row. */
  query(row: number, head: number): number;
  /** First element of key or value j, as read by a head of batch entry b. */
  key(b: number, j: number, head: number): number;
}

export function attentionLayout({ node, inputs }: FoldInputs): AttentionLayout {
  const [Tq, Tk, heads] = [attribute(node, 1), attribute(node, 2), attribute(node, 3)];
  const [kvHeads, headDim] = [attribute(node, 4), attribute(node, 5)];
  return {
    Tq,
    Tk,
    heads,
    kvHeads,
    headDim,
    scale: floatOf(attribute(node, 6)),
    keys: (row) => Math.min(at(inputs[3], row), Tk - 1) + 1,
    query: (row, head) => (row * heads + head) * headDim,
    key: (b, j, head) => ((b * Tk + j) * kvHeads + Math.floor(head / (heads / kvHeads))) * headDim,
  };
}

/** What each query head adds to an element of dk or dv (contracts/src/judge/Attention.sol, chunkOf). */
export function keyGradientParts(call: FoldInputs, element: number): number[] {
  const layout = attentionLayout(call);
  const { Tq, Tk, heads, kvHeads, headDim, scale } = layout;
  const [q, k, v, , stats, dout, delta] = call.inputs;
  const key = Math.floor(element / headDim / kvHeads);
  const [b, j, d] = [Math.floor(key / Tk), key % Tk, element % headDim];
  const group = heads / kvHeads;
  const first = (Math.floor(element / headDim) % kvHeads) * group;
  const dot = (x: Words | undefined, i: number, y: Words | undefined, l: number) =>
    latticeFold(headDim, (e) => lattice(at(x, i + e)) * lattice(at(y, l + e)));
  const ofKeys = call.node.output === 0;
  const parts: number[] = [];
  for (let head = first; head < first + group; head++) {
    const weight = (i: number): number => {
      const row = b * Tq + i;
      if (j >= layout.keys(row)) return 0;
      const stat = row * heads + head;
      const score = mul(dot(q, layout.query(row, head), k, layout.key(b, j, head)), scale);
      const p = mul(exp(sub(score, at(stats, 2 * stat))), at(stats, 2 * stat + 1));
      if (!ofKeys) return p;
      const dp = dot(dout, layout.query(row, head), v, layout.key(b, j, head));
      return mul(p, sub(dp, at(delta, stat)));
    };
    const weighted = ofKeys ? q : dout;
    const part = latticeFold(
      Tq,
      (i) => lattice(weight(i)) * lattice(at(weighted, layout.query(b * Tq + i, head) + d)),
    );
    parts.push(ofKeys ? mul(part, scale) : part);
  }
  return parts;
}

/** The partial sums of dk or dv after each query head. */
function gradientOfKeys(call: FoldInputs, element: number): number[] {
  let sum = 0;
  return keyGradientParts(call, element).map((part) => {
    sum = add(sum, part);
    return sum;
  });
}

function accumulatorValues(call: FoldInputs, element: number): number[] {
  const { node, inputs } = call;
  const [x, y, z] = inputs;
  const width = () => attribute(node, 1);
  switch (operatorName(node.op)) {
    case 'matmul': {
      const places = productPlaces(node, element);
      return blocks(attribute(node, 2), (i) => {
        const [a, b] = places(i);
        return lattice(at(x, a)) * lattice(at(y, b));
      });
    }
    case 'embed.grad':
      return scatter(call, element);
    case 'bias.grad':
      return blocks(attribute(node, 0), (n) => at(x, n * width() + element));
    case 'rms.grad.gain':
      return blocks(attribute(node, 0), (n) =>
        mul(at(x, n * width() + element), mul(at(y, n * width() + element), at(z, n))),
      );
    case 'loss.weighted':
      return blocks(attribute(node, 0), (n) => mul(at(x, n), at(y, n)));
    case 'norm.square':
      return blocks(attribute(node, 0), (i) => mul(at(x, i), at(x, i)));
    case 'attention.grad.kv':
      return gradientOfKeys(call, element);
    default:
      throw new RangeError(`Operator ${node.op} is no long sum: its elements are judged at once.`);
  }
}

/**
 * Bits of the accumulator after each chunk of an element's fold. Throws RangeError for operators without
 * folds.
 */
export function foldAccumulators(call: FoldInputs, element: number): number[] {
  return accumulatorValues(call, element).map(bitsOf);
}

/** Bits of the element with these accumulators, as the judge's `Folds.total`. */
export function foldTotal(op: number, accumulators: readonly number[]): number {
  const values = accumulators.map(floatOf);
  const name = operatorName(op);
  if (name === 'attention.grad.kv') return bitsOf(must(values, values.length - 1));
  if (name === 'norm.square') {
    let sums = values;
    while (sums.length > 1) {
      const level = sums;
      sums = blocks(level.length, (i) => must(level, i));
    }
    return bitsOf(must(sums, 0));
  }
  const perBlock = name === 'embed.grad' ? FOLD_BLOCK / SCATTER_CHUNK : 1;
  let total = 0;
  for (const [i, value] of values.entries()) {
    if (i % perBlock === perBlock - 1 || i === values.length - 1) total = add(total, value);
  }
  return bitsOf(name === 'loss.weighted' ? sub(0, total) : total);
}
