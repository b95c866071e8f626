import type { Draws } from '../draws.ts';
import type { MutateOptions, Mutator } from './mutator.ts';

/** Numbers at which programs change their mind. */
const EDGES = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

/**
 * Changes bytes without knowing what they mean, one to eight times: bits, bytes, numbers of 2 to 8 bytes at
 * their limits, ranges cut, doubled or taken from the donor, and words of the dictionary.
 */
export function bytesMutator(dictionary: readonly (string | Uint8Array)[] = []): Mutator {
  const words = dictionary.map((word) => (typeof word === 'string' ? new TextEncoder().encode(word) : word));
  return {
    mutate(options) {
      let bytes = options.input;
      for (let left = 1 + options.draws.below(options.draws.chance(70) ? 2 : 8); left > 0; left--) {
        bytes = changeOnce(bytes, options, words);
      }
      return bytes.length > options.maxBytes ? bytes.slice(0, options.maxBytes) : bytes;
    },
  };
}

function changeOnce(
  bytes: Uint8Array,
  { donor, draws }: MutateOptions,
  words: readonly Uint8Array[],
): Uint8Array {
  const at = draws.below(bytes.length + 1);
  if (words.length > 0 && draws.chance(25)) {
    const word = draws.pick(words);
    return spliced(bytes, at, draws.chance(50) ? word.length : 0, word);
  }
  const length = 1 + draws.below(draws.chance(80) ? 8 : 64);
  switch (draws.below(10)) {
    case 0:
      return changed(bytes, at, (byte) => byte ^ (1 << draws.below(8)));
    case 1:
      return changed(bytes, at, () => draws.below(256));
    case 2:
      return changed(bytes, at, (byte) => byte + (draws.chance(50) ? 1 : -1));
    case 3:
      return spliced(bytes, at, 0, randomBytes(length, draws));
    case 4:
      return spliced(bytes, at, length, new Uint8Array());
    case 5:
      return spliced(bytes, at, 0, bytes.subarray(at, at + length));
    case 6: {
      const from = draws.below(donor.length + 1);
      const taken = donor.subarray(from, from + 1 + draws.below(donor.length - from + 1));
      return spliced(bytes, at, draws.chance(50) ? taken.length : 0, taken);
    }
    case 7: {
      const edge = edgeNumber(draws);
      return spliced(bytes, at, edge.length, edge);
    }
    case 8:
      return draws.chance(50) ? bytes.slice(0, at) : bytes.slice(at);
    default:
      return spliced(bytes, at, 0, new Uint8Array(length).fill(bytes[at] ?? 0));
  }
}

function changed(bytes: Uint8Array, at: number, to: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  if (at < copy.length) copy[at] = to(copy[at] ?? 0);
  return copy;
}

/** `bytes` with `remove` bytes at `at` replaced by `insert`. */
function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(at + remove, bytes.length));
  const copy = new Uint8Array(at + insert.length + rest.length);
  copy.set(bytes.subarray(0, at));
  copy.set(insert, at);
  copy.set(rest, at + insert.length);
  return copy;
}

function randomBytes(length: number, draws: Draws): Uint8Array {
  return Uint8Array.from({ length }, () => draws.below(256));
}

function edgeNumber(draws: Draws): Uint8Array {
  const value = draws.pick(EDGES);
  const littleEndian = draws.chance(50);
  const view = new DataView(new ArrayBuffer(8));
  const width = draws.pick([2, 4, 8]);
  if (width === 2) view.setUint16(0, value, littleEndian);
  else if (width === 4) view.setUint32(0, value, littleEndian);
  else view.setBigUint64(0, draws.chance(20) ? 2n ** 64n - 1n : BigInt(value), littleEndian);
  return new Uint8Array(view.buffer, 0, width);
}
