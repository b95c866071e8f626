/**
 * Inputs built to expose what goes wrong on devices: ties, cancellation, values at the edges of the canonical
 * range and of the operand lattice. All from a seed, all canonical.
 */
import { must } from '../../protocol/must.ts';
import { bitsOf, canon, floatOf } from '../repops/arithmetic.ts';

export type Kind =
  /** Within 4 of zero, full significands. */
  | 'ordinary'
  /** Positive, within 4 of zero. */
  | 'positive'
  /** In [0, 1). */
  | 'unit'
  /** Nothing but +0. */
  | 'none'
  /** 0, 1/8, 2/8, ... 7/8. */
  | 'eighths'
  /** Whole numbers and halves within -127.5 .. 127.5: the ties of signed bytes, and what they saturate. */
  | 'bytes'
  /** Magnitudes from 2^-40 to 2^40. */
  | 'wide'
  /** Neighbours nearly cancel, so that a change of order or a missing rounding shows in every bit. */
  | 'cancelling'
  /** Significands at and next to ties of bf16 and of f32 addition. */
  | 'ties'
  /**
   * Around 2^-125, where results must become +0 and hardware may flush. Products of two of `small` reach it
   * too.
   */
  | 'tiny'
  | 'small'
  /** Around the largest finite value, where results must saturate. */
  | 'huge'
  /** Around 2^-55 and 2^52. */
  | 'lattice'
  /** Any of the above and the special values themselves. */
  | 'mixed';

/** Random 32-bit words from a seed (xorshift32, Marsaglia 2003), the same on every platform. */
function xorshift32(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x6d2b79f5) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** 2^k for -126 <= k <= 127, exactly. */
function powerOfTwo(k: number): number {
  return floatOf((k + 127) << 23);
}

/** Values at the ends of the range, and some beyond: `values` makes each canonical. */
const SPECIAL = [
  0,
  -0,
  1,
  -1,
  powerOfTwo(-125),
  -powerOfTwo(-125),
  powerOfTwo(-126),
  floatOf(1),
  floatOf(0x807fffff),
  floatOf(0x7f7fffff),
  floatOf(0xff7fffff),
  powerOfTwo(-55),
  powerOfTwo(52),
  floatOf(0x3f7fffff),
  floatOf(0x3f800001),
];

const ANY = ['ordinary', 'wide', 'ties', 'tiny', 'small', 'huge', 'lattice'] as const;

/** A canonical array of `count` values of a kind. */
export function values(kind: Kind, count: number, seed: number): Float32Array {
  const word = xorshift32(seed);
  /** A significand in [1, 2) with a random sign, times 2^k. */
  const scaled = (k: number): number => {
    const bits = word();
    return floatOf(((bits & 0x807fffff) | ((k + 127) << 23)) >>> 0);
  };
  const draw = (from: Kind, previous: number): number => {
    switch (from) {
      case 'ordinary':
        return (word() / 2 ** 32 - 0.5) * 8;
      case 'positive':
        return (word() / 2 ** 32) * 4 + 2 ** -20;
      case 'unit':
        return (word() >>> 8) / 2 ** 24;
      case 'none':
        return 0;
      case 'eighths':
        return (word() >>> 29) / 8;
      case 'bytes':
        return ((word() % 511) - 255) / 2;
      case 'wide':
        return scaled((word() % 81) - 40);
      case 'cancelling':
        return word() % 4 === 0
          ? scaled((word() % 12) - 6)
          : -floatOf((bitsOf(previous) ^ (word() & 3)) >>> 0);
      case 'ties':
        // Low halves of 0x8000 are bf16 ties; 0x7fff and 0x8001 are next to one. Few high bits keep sums on
        // f32 ties.
        return floatOf(
          ((word() & 0x803f0000) | ((127 + (word() % 25)) << 23) | (0x7fff + (word() % 3))) >>> 0,
        );
      case 'tiny':
        return scaled(-125 + (word() % 4));
      case 'small':
        return scaled(-64 + (word() % 4));
      case 'huge':
        return scaled(127 - (word() % 3));
      case 'lattice':
        return scaled(word() % 2 === 0 ? -57 + (word() % 4) : 50 + (word() % 4));
      case 'mixed': {
        const choice = word() % (ANY.length + 2);
        if (choice < ANY.length) return draw(must(ANY, choice), previous);
        return must(SPECIAL, word() % SPECIAL.length);
      }
    }
  };
  const result = new Float32Array(count);
  let previous = 1;
  for (let i = 0; i < count; i++) {
    previous = canon(draw(kind, previous));
    result[i] = previous;
  }
  return result;
}

/** Exponent fields at the ends of bf16's range and of the lattice's. */
const END_FIELDS = [0, 1, 2, 255, 254, 71, 72, 73, 178, 179, 180];

/** `count` integers below `limit`. */
export function indices(limit: number, count: number, seed: number): Uint32Array {
  const word = xorshift32(seed);
  return Uint32Array.from({ length: count }, () => word() % limit);
}

/**
 * `count` bf16: the upper halves of f32 of a kind, or any 16 bits, subnormals, infinities and NaNs among
 * them.
 */
export function halves(kind: Kind | 'any', count: number, seed: number): Uint16Array {
  if (kind !== 'any') return Uint16Array.from(values(kind, count, seed), (value) => bitsOf(value) >>> 16);
  const word = xorshift32(seed);
  return Uint16Array.from({ length: count }, () => {
    const bits = word();
    // Every fourth at an end of the exponent's range or of the lattice's.
    const field = must(END_FIELDS, (bits >>> 20) % END_FIELDS.length);
    return (bits >>> 16) % 4 === 0 ? (bits & 0x807f) | (field << 7) : bits;
  });
}
