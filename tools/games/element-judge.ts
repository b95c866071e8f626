/**
 * The reference game's judge. It computes one element at a time from opened leaves, by docs/repops.md, for
 * the operators that random jobs have. It shares nothing with the reference engine, which computes the values
 * that players claim, nor with the contract's judge.
 */
import { hexToBytes } from 'viem';
import { operatorName } from '../../audit/encode-program.ts';
import { WORDS_A_LEAF } from '../../chain/disputes/port.ts';
import type { OpenedCall, ReferenceJudge } from '../../chain/disputes/reference-game/judge.ts';
import { add, bitsOf, floatOf, fold, lattice, mul, sub } from '../../compute/repops/arithmetic.ts';
import { exp, log, recip, rsqrt, sigmoid, sqrt } from '../../compute/repops/functions.ts';
import type { SlotNode } from '../../protocol/evidence.ts';

/** An operand lies in a leaf that was not opened. */
class MissingLeafError extends Error {
  override readonly name = 'MissingLeafError';
}

/** The operands of one operator application, read from opened leaves. */
interface Operands {
  readonly a: readonly number[];
  readonly output: number;
  /** The word of an element; 0 past the end of the tensor. */
  word(input: number, index: number): number;
  /** The canonical value of an element. */
  f32(input: number, index: number): number;
}

/** The bits of the canonical value that the judge takes a word for. */
export function canonicalBits(bits: number): number {
  const field = (bits >>> 23) & 0xff;
  if (field <= 1) return 0;
  return field === 255 ? ((bits & 0x80000000) | 0x7f7fffff) >>> 0 : bits;
}

function reading({ node, openings }: OpenedCall): Operands {
  const leaves = new Map<string, DataView>();
  for (const { input, leaf, data } of openings) {
    const bytes = hexToBytes(data);
    leaves.set(`${input}:${leaf}`, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  }
  const word = (input: number, index: number): number => {
    if (index >= (node.lengths[input] ?? 0)) return 0;
    const leaf = leaves.get(`${input}:${Math.floor(index / WORDS_A_LEAF)}`);
    if (leaf === undefined) throw new MissingLeafError();
    return leaf.getUint32(4 * (index % WORDS_A_LEAF), true);
  };
  return {
    a: node.attributes,
    output: node.output,
    word,
    f32: (input, index) => floatOf(canonicalBits(word(input, index))),
  };
}

function attribute(r: Operands, index: number): number {
  return r.a[index] ?? 0;
}

const constant = (r: Operands, index: number): number => floatOf(attribute(r, index));

/** The parameter, the first or the second moment after a step of AdamW, by the number of the output. */
function adamw(r: Operands, i: number): number {
  const g = mul(r.f32(1, i), r.f32(4, 0));
  const m = (): number => add(mul(constant(r, 1), r.f32(2, i)), mul(constant(r, 2), g));
  const v = (): number => add(mul(constant(r, 3), r.f32(3, i)), mul(constant(r, 4), mul(g, g)));
  if (r.output === 1) return m();
  if (r.output === 2) return v();
  const root = add(sqrt(mul(v(), r.f32(5, 2))), constant(r, 5));
  const u = mul(mul(m(), r.f32(5, 1)), recip(root));
  const p = r.f32(0, i);
  return sub(p, mul(r.f32(5, 0), add(u, mul(constant(r, 6), p))));
}

function clipScale(r: Operands): number {
  let total = 0;
  for (let input = 0; input < attribute(r, 0); input++) total = add(total, r.f32(input, 0));
  const n = sqrt(total);
  return n > constant(r, 1) ? mul(constant(r, 1), recip(n)) : 1;
}

function logSumExp(r: Operands, row: number): number {
  const count = attribute(r, 1);
  const x = Array.from({ length: count }, (_, i) => r.f32(0, row * count + i));
  const m = Math.max(...x);
  return add(m, log(fold(count, (i) => exp(sub(x[i] ?? 0, m)))));
}

const ELEMENTS: Readonly<Record<string, (r: Operands, i: number) => number>> = {
  embed: (r, i) => {
    const d = attribute(r, 2);
    return r.f32(1, r.word(0, Math.floor(i / d)) * d + (i % d));
  },
  'bias.add': (r, i) => add(r.f32(0, i), r.f32(1, i % attribute(r, 1))),
  add: (r, i) => add(r.f32(0, i), r.f32(1, i)),
  'rms.rstd': (r, i) => {
    const d = attribute(r, 1);
    const square = (k: number): number => mul(r.f32(0, i * d + k), r.f32(0, i * d + k));
    return rsqrt(add(mul(fold(d, square), constant(r, 2)), constant(r, 3)));
  },
  'rms.apply': (r, i) => {
    const d = attribute(r, 1);
    return mul(mul(r.f32(0, i), r.f32(1, Math.floor(i / d))), r.f32(2, i % d));
  },
  swiglu: (r, i) => mul(mul(r.f32(0, i), sigmoid(r.f32(0, i))), r.f32(1, i)),
  'xent.lse': logSumExp,
  'clip.scale': clipScale,
  adamw,
};

const BLOCK = 64;
const SCATTER = 16;

/** The number of terms of a sum, and each of them. */
const SUMS: Readonly<
  Record<string, (r: Operands, i: number) => { readonly count: number; term(k: number): number }>
> = {
  matmul: (r, i) => {
    const [m = 0, n = 1, k = 0, transposeA, transposeB] = r.a;
    const row = Math.floor(i / n);
    const column = i % n;
    return {
      count: k,
      term: (t) => {
        const a = r.f32(0, transposeA === 1 ? t * m + row : row * k + t);
        const b = r.f32(1, transposeB === 1 ? column * k + t : t * n + column);
        // A product of -0 becomes +0 when it is added. Here it may be the first term of its sum.
        return lattice(a) * lattice(b) + 0;
      },
    };
  },
  'bias.grad': (r, i) => ({ count: attribute(r, 0), term: (n) => r.f32(0, n * attribute(r, 1) + i) }),
  'rms.grad.gain': (r, i) => ({
    count: attribute(r, 0),
    term: (n) => {
      const place = n * attribute(r, 1) + i;
      return mul(r.f32(0, place), mul(r.f32(1, place), r.f32(2, n)));
    },
  }),
  'norm.square': (r) => ({ count: attribute(r, 0), term: (k) => mul(r.f32(0, k), r.f32(0, k)) }),
  'embed.grad': (r, i) => {
    const [n = 0, , d = 1] = r.a;
    const row = Math.floor(i / d);
    const rows = Array.from({ length: n }, (_, k) => k).filter((k) => r.word(0, k) === row);
    return { count: rows.length, term: (k) => r.f32(1, (rows[k] ?? 0) * d + (i % d)) };
  },
};

function chunkSize(op: number): number {
  return operatorName(op) === 'embed.grad' ? SCATTER : BLOCK;
}

/** The bits of the sum of two values given by their bits. A value of 0 leaves the other's bits unchanged. */
function addBits(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : bitsOf(add(floatOf(a), floatOf(b)));
}

function answer<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MissingLeafError) return undefined;
    throw error;
  }
}

/** Whether ELEMENT_JUDGE has an operator. */
export function knows(op: number): boolean {
  const name = operatorName(op) ?? '';
  return ELEMENTS[name] !== undefined || SUMS[name] !== undefined;
}

/** Throws RangeError for an operator that no random job has. */
export const ELEMENT_JUDGE: ReferenceJudge = {
  folds: (op) => SUMS[operatorName(op) ?? ''] !== undefined,
  element(call, index) {
    const element = ELEMENTS[operatorName(call.node.op) ?? ''];
    if (element === undefined)
      throw new RangeError(`The reference judge knows no element of operator ${call.node.op}.`);
    return answer(() => bitsOf(element(reading(call), index)));
  },
  chunkOf(call, index, chunk, before) {
    const sum = SUMS[operatorName(call.node.op) ?? ''];
    if (sum === undefined)
      throw new RangeError(`The reference judge knows no sum of operator ${call.node.op}.`);
    const size = chunkSize(call.node.op);
    return answer(() => {
      const { count, term } = sum(reading(call), index);
      const chunks = Math.ceil(count / size);
      let accumulator = (chunk * size) % BLOCK === 0 ? 0 : before;
      for (let k = chunk * size; k < Math.min(count, (chunk + 1) * size); k++) {
        accumulator = addBits(accumulator, bitsOf(term(k)));
      }
      return { accumulator, chunks };
    });
  },
  total(op, accumulators) {
    if (operatorName(op) === 'norm.square') {
      let level = [...accumulators];
      while (level.length > 1) {
        const below = level;
        level = Array.from({ length: Math.ceil(below.length / BLOCK) }, (_, i) =>
          below.slice(i * BLOCK, (i + 1) * BLOCK).reduce(addBits, 0),
        );
      }
      return level[0] ?? 0;
    }
    const perBlock = BLOCK / chunkSize(op);
    const ends = accumulators.filter(
      (_, i) => i % perBlock === perBlock - 1 || i === accumulators.length - 1,
    );
    return ends.reduce(addBits, 0);
  },
  chunkLimit({ op, attributes }: SlotNode) {
    const terms = attributes[operatorName(op) === 'matmul' ? 2 : 0] ?? 0;
    return Math.ceil(terms / chunkSize(op));
  },
};
