import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bitsOf, canon, floatOf } from './arithmetic.ts';
import { exp, log, MAX_FINITE, recip, rsqrt, sigmoid, sinCos, sqrt } from './functions.ts';

/** The distance of two neighbouring f32 at `x`, at least `least`. */
function ulp(x: number, least = 0): number {
  const exponent = (bitsOf(Math.fround(x)) >>> 23) & 255;
  return Math.max(2 ** (Math.max(exponent, 1) - 150), least);
}

interface Sweep {
  readonly name: string;
  readonly f: (x: number) => number;
  readonly exact: (x: number) => number;
  readonly from: number;
  readonly to: number;
  readonly negative?: boolean;
  /** Errors are measured against at least this much. */
  readonly least?: number;
  readonly limit: number;
}

/** The worst error in ulps over 60,000 magnitudes spread evenly over the bit patterns. */
function worst({ f, exact, from, to, negative, least }: Sweep): number {
  const [low, high] = [bitsOf(from), bitsOf(to)];
  const steps = 60_000;
  let largest = 0;
  for (let i = 0; i <= steps; i++) {
    const magnitude = floatOf(low + Math.floor(((high - low) * i) / steps));
    const x = negative === true && i % 2 === 1 ? -magnitude : magnitude;
    largest = Math.max(largest, Math.abs(f(x) - exact(x)) / ulp(exact(x), least));
  }
  return largest;
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const sin = (x: number) => sinCos(x)[0];
const cos = (x: number) => sinCos(x)[1];

describe('accuracy in ulps', () => {
  it.each<Sweep>([
    {
      name: 'recip',
      f: recip,
      exact: (x) => 1 / x,
      from: 2 ** -125,
      to: 2 ** 123,
      negative: true,
      limit: 1.6,
    },
    { name: 'rsqrt', f: rsqrt, exact: (x) => 1 / Math.sqrt(x), from: 2 ** -124, to: MAX_FINITE, limit: 1.75 },
    { name: 'sqrt', f: sqrt, exact: Math.sqrt, from: 2 ** -124, to: MAX_FINITE, limit: 1.9 },
    { name: 'exp', f: exp, exact: Math.exp, from: 2 ** -20, to: 86, negative: true, limit: 1.1 },
    { name: 'log', f: log, exact: Math.log, from: 2 ** -124, to: MAX_FINITE, limit: 3.1 },
    { name: 'log near 1', f: log, exact: Math.log, from: 0.5, to: 2, limit: 3.2 },
    { name: 'sigmoid', f: sigmoid, exact: logistic, from: 2 ** -20, to: 80, negative: true, limit: 3.1 },
    {
      name: 'sin',
      f: sin,
      exact: Math.sin,
      from: 2 ** -20,
      to: 4096,
      negative: true,
      least: 2 ** -24,
      limit: 1.5,
    },
    {
      name: 'cos',
      f: cos,
      exact: Math.cos,
      from: 2 ** -20,
      to: 4096,
      negative: true,
      least: 2 ** -24,
      limit: 1.5,
    },
    { name: 'sin, far', f: sin, exact: Math.sin, from: 4096, to: 65535, least: 2 ** -24, limit: 32 },
  ])('[RO-13] $name is within $limit', (sweep) => {
    expect(worst(sweep)).toBeLessThan(sweep.limit);
  });
});

describe('edges', () => {
  it('[RO-12] are as documented', () => {
    expect(recip(0)).toBe(MAX_FINITE);
    expect(recip(2 ** 124)).toBe(0);
    expect(recip(-MAX_FINITE)).toBe(0);
    expect(rsqrt(0)).toBe(MAX_FINITE);
    expect(rsqrt(-1)).toBe(MAX_FINITE);
    expect(sqrt(0)).toBe(0);
    expect(sqrt(-4)).toBe(0);
    expect(exp(0)).toBe(1);
    expect(exp(-87.5)).toBe(0);
    expect(exp(-MAX_FINITE)).toBe(0);
    expect(exp(88.5)).toBe(MAX_FINITE);
    expect(log(1)).toBe(0);
    expect(log(0)).toBe(-MAX_FINITE);
    expect(log(-1)).toBe(-MAX_FINITE);
    expect(sigmoid(0)).toBe(floatOf(0x3effffff)); // recip(2) is one ulp below 1/2
    expect(sigmoid(-MAX_FINITE)).toBe(0);
    expect(sinCos(0)).toEqual([0, 1]);
  });

  it('[RO-4] never leave the canonical values', () => {
    const strays: number[] = [];
    for (let i = 0; i < 0x10000; i++) {
      const x = canon(floatOf((i << 16) | (i & 0xff)));
      const results = [recip(x), rsqrt(x), sqrt(x), exp(x), log(x), sigmoid(x)];
      if (Math.abs(x) < 65536) results.push(...sinCos(x));
      if (results.some((y) => !Object.is(canon(y), y))) strays.push(x);
    }
    expect(strays).toEqual([]);
  });
});

/**
 * SHA-256 of the results' bits over a grid of 2^16 arguments. These change only with the numeric
 * specification.
 */
const GOLDEN = {
  recip: '4bb0d25eed42f42ec0bc052dbce1708327c5bd4222aac2c13b7f842404017cb9',
  rsqrt: '742b9a1f4393a1cf727a4b06477ff8b622885f52658bdc1d60f6ef8a485f6141',
  sqrt: 'e9161cd5182b5d179dc5e50950b764093b8edf43d755bad3facec55e58f32112',
  exp: '31c278cbe7cfb4216b66c4841b36b7a4dcaed3a16234773e3e356eb5e1ed413a',
  log: '56ff7f6a0d0384247a2f2d9b88c630124ccd4ba47983e9cee111de64f886edb6',
  sigmoid: 'c4f388b62d0ddace54013565895488af36e8782241e5776d84510dd411267f6c',
  sin: 'fc51139bb172773d2d0e3ea078a615f87403145a86d7d69b79e89f45ddba8fd3',
  cos: '6cf5ee7fbc3737da99eeff5d06dedd2aa87fd27094015e7614ac6b2f1522207f',
};

describe('bits', () => {
  const functions = { recip, rsqrt, sqrt, exp, log, sigmoid, sin, cos };
  it.each(Object.entries(GOLDEN))('[RO-12] of %s are the committed ones', (name, digest) => {
    const f = functions[name as keyof typeof functions];
    const results = new Float32Array(0x10000);
    for (let i = 0; i < results.length; i++) {
      const x = canon(floatOf(((i << 16) | ((i * 0x9e37) & 0xffff)) >>> 0));
      const outside = (name === 'sin' || name === 'cos') && Math.abs(x) >= 65536;
      results[i] = outside ? 0 : f(x);
    }
    expect(createHash('sha256').update(new Uint8Array(results.buffer)).digest('hex')).toBe(digest);
  });
});
