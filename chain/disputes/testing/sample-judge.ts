/**
 * The arithmetic of the sample run for the reference game: docs/repops.md for the three operators that it
 * has.
 */
import { hexToBytes } from 'viem';
import { operatorName } from '../operator-names.ts';
import { WORDS_A_LEAF } from '../port.ts';
import type { OpenedCall, ReferenceJudge } from '../reference-game/judge.ts';

/** Terms of a chunk of `norm.square`. */
const BLOCK = 64;

class MissingLeafError extends Error {
  override readonly name = 'MissingLeafError';
}

/** The value of an operand's element. Throws MissingLeafError if its leaf was not opened. */
function operand({ openings }: OpenedCall, input: number, index: number): number {
  const leaf = Math.floor(index / WORDS_A_LEAF);
  const opened = openings.find((each) => each.input === input && each.leaf === leaf);
  if (opened === undefined) throw new MissingLeafError();
  const bytes = hexToBytes(opened.data);
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(4 * (index % WORDS_A_LEAF), true);
}

function bitsOf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  // Canonical values have no -0.
  view.setFloat32(0, value === 0 ? 0 : value);
  return view.getUint32(0);
}

function f32Of(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

function unlessMissing<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof MissingLeafError) return undefined;
    throw error;
  }
}

export const SAMPLE_JUDGE: ReferenceJudge = {
  folds: (op) => operatorName(op) === 'norm.square',
  element: (call, index) =>
    unlessMissing(() => {
      const [a, b] = [operand(call, 0, index), operatorName(call.node.op) === 'add' ? index : 0];
      if (operatorName(call.node.op) === 'add') return bitsOf(Math.fround(a + operand(call, 1, b)));
      return bitsOf(Math.fround(Math.fround(a * operand(call, 1, b)) * operand(call, 2, index)));
    }),
  chunkOf: (call, _, chunk) =>
    unlessMissing(() => {
      const [length = 0] = call.node.attributes;
      let sum = 0;
      for (let k = chunk * BLOCK; k < Math.min(length, (chunk + 1) * BLOCK); k++) {
        const x = operand(call, 0, k);
        sum = Math.fround(sum + Math.fround(x * x));
      }
      return { accumulator: bitsOf(sum), chunks: Math.ceil(length / BLOCK) };
    }),
  total: (_, accumulators) => bitsOf(accumulators.reduce((sum, bits) => Math.fround(sum + f32Of(bits)), 0)),
  chunkLimit: ({ attributes: [length = 0] }) => Math.ceil(length / BLOCK),
};
