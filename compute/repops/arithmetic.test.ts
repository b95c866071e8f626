import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  bitsOf,
  canon,
  findNotCanonical,
  floatOf,
  fold,
  LATTICE_MAX_BITS,
  LATTICE_MIN_BITS,
  lattice,
  mul,
  sub,
} from './arithmetic.ts';
import { canonical, canonOfExact, scaled } from './testing/exact.ts';

const MAX = floatOf(0x7f7fffff);

const isCanonical = (x: number) => {
  const exponent = (bitsOf(x) >>> 23) & 255;
  return Object.is(x, 0) || (exponent >= 2 && exponent <= 254);
};

describe('canon', () => {
  it.each([
    [0x80000000, 0],
    [0x00000001, 0],
    [0x00ffffff, 0],
    [0x80ffffff, 0],
    [0x01000000, 0x01000000],
    [0x81000000, 0x81000000],
    [0x7f7fffff, 0x7f7fffff],
    [0x7f800000, 0x7f7fffff],
    [0xff800000, 0xff7fffff],
  ])('[RO-2] of %x is %x', (from, to) => {
    expect(bitsOf(canon(floatOf(from)))).toBe(to);
  });

  it('[RO-4] gives canonical values and leaves them alone', () => {
    fc.assert(
      fc.property(canonical, (x) => {
        expect(isCanonical(x)).toBe(true);
        expect(Object.is(canon(x), x)).toBe(true);
      }),
    );
  });
});

describe('findNotCanonical', () => {
  it('finds the first word that no canonical value has', () => {
    const good = [0, 0x01000000, 0x81000000, 0x7f7fffff, 0xff7fffff, 0x3f800000];
    expect(findNotCanonical(Uint32Array.from(good))).toBe(-1);
    for (const bad of [0x80000000, 1, 0x00ffffff, 0x80ffffff, 0x7f800000, 0xff800000, 0x7fc00000]) {
      expect(findNotCanonical(Uint32Array.from([...good, bad, bad]))).toBe(good.length);
    }
  });
});

describe('add, sub, mul', () => {
  it('[RO-3] round once, as integer arithmetic does', () => {
    fc.assert(
      fc.property(canonical, canonical, (a, b) => {
        expect(Object.is(add(a, b), canonOfExact(scaled(a) + scaled(b), 149))).toBe(true);
        expect(Object.is(sub(a, b), canonOfExact(scaled(a) - scaled(b), 149))).toBe(true);
        expect(Object.is(mul(a, b), canonOfExact(scaled(a) * scaled(b), 298))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('[RO-3] round once where the operands are near each other', () => {
    const near = fc.tuple(fc.integer({ min: 0x3e000000, max: 0x41000000 }), fc.boolean());
    const value = near.map(([bits, negative]) => (negative ? -floatOf(bits) : floatOf(bits)));
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(Object.is(add(a, b), canonOfExact(scaled(a) + scaled(b), 149))).toBe(true);
        expect(Object.is(mul(a, b), canonOfExact(scaled(a) * scaled(b), 298))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('[RO-4] commute, give canonical values, and x - x is +0', () => {
    fc.assert(
      fc.property(canonical, canonical, (a, b) => {
        expect(Object.is(add(a, b), add(b, a))).toBe(true);
        expect(Object.is(mul(a, b), mul(b, a))).toBe(true);
        expect(isCanonical(add(a, b)) && isCanonical(mul(a, b))).toBe(true);
        expect(Object.is(sub(a, a), 0)).toBe(true);
      }),
    );
  });
});

describe('lattice', () => {
  it('[RO-7] is idempotent, odd, monotonic and within half a bf16 ulp inside its range', () => {
    fc.assert(
      fc.property(canonical, canonical, (a, b) => {
        const [x, y] = [lattice(a), lattice(b)];
        expect(Object.is(lattice(x), x)).toBe(true);
        expect(bitsOf(x) & 0xffff).toBe(0);
        expect(lattice(a === 0 ? 0 : -a)).toBe(x === 0 ? 0 : -x);
        if (a <= b) expect(x).toBeLessThanOrEqual(y);
        const inRange = Math.abs(a) >= 2 ** -55 && Math.abs(a) <= 2 ** 52;
        if (inRange) expect(Math.abs(x - a)).toBeLessThanOrEqual(Math.abs(a) * 2 ** -8);
      }),
      { numRuns: 2000 },
    );
  });

  it('[RO-7] clamps at both ends and rounds ties to even', () => {
    expect(lattice(2 ** -55)).toBe(2 ** -55);
    expect(lattice(floatOf(0x23ff7fff))).toBe(0);
    expect(lattice(floatOf(0x23ff8000))).toBe(2 ** -55); // a tie, and 2^-55 is the even neighbour
    expect(lattice(MAX)).toBe(2 ** 52);
    expect(lattice(-MAX)).toBe(-(2 ** 52));
    expect(lattice(floatOf(0x3f808000))).toBe(1);
    expect(lattice(floatOf(0x3f818000))).toBe(floatOf(0x3f820000));
    expect([floatOf(LATTICE_MIN_BITS), floatOf(LATTICE_MAX_BITS)]).toEqual([2 ** -55, 2 ** 52]);
  });

  it('[RO-8] makes products exact', () => {
    fc.assert(
      fc.property(canonical.map(lattice), canonical.map(lattice), (a, b) => {
        expect(Math.fround(a * b)).toBe(a * b);
        expect(mul(a, b)).toBe(a * b === 0 ? 0 : a * b);
      }),
    );
  });
});

describe('fold', () => {
  it('[RO-9] sums blocks of 64 in order, then the block sums in order', () => {
    const values = Array.from({ length: 200 }, (_, i) => Math.fround(Math.sin(i) * 10 ** (i % 7)));
    const block = (from: number, to: number) => values.slice(from, to).reduce((sum, x) => add(sum, x), 0);
    const expected = [block(0, 64), block(64, 128), block(128, 192), block(192, 200)].reduce(add, 0);
    expect(fold(200, (i) => values[i]!)).toBe(expected);
    expect(fold(200, (i) => values[i]!)).not.toBe(values.reduce((sum, x) => add(sum, x), 0));
    expect(fold(0, () => 1)).toBe(0);
  });

  it('[RO-11] ignores terms of +0 wherever they stand in a block', () => {
    const values = Array.from({ length: 150 }, (_, i) => (i % 3 === 0 ? 0 : Math.fround(Math.cos(i))));
    let expected = 0;
    for (let start = 0; start < 150; start += 64) {
      const kept = values.slice(start, start + 64).filter((x) => x !== 0);
      expected = add(
        expected,
        kept.reduce((sum, x) => add(sum, x), 0),
      );
    }
    expect(fold(150, (i) => values[i]!)).toBe(expected);
  });
});
