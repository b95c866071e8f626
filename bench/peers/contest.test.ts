import { expect, test } from 'vitest';
import { contest } from './contest.ts';
import type { Kit } from './kit.ts';
import { operand, type Product, qwenProducts, transposed } from './products.ts';

const PRODUCT: Product = { name: 'p', M: 2, N: 3, K: 4, transposeA: 0, transposeB: 0 };

/** A kit that multiplies in plain loops and takes `ms` a run of a clock of ours. */
function kit(name: string, ms: number, clock: { now: number }, error = 0): Kit {
  return {
    name,
    async prepare({ M, N, K }, { a, b }) {
      const product = Float32Array.from({ length: M * N }, (_, i) => {
        let sum = error;
        for (let k = 0; k < K; k++) sum += (a[Math.floor(i / N) * K + k] ?? 0) * (b[k * N + (i % N)] ?? 0);
        return sum;
      });
      return {
        async run(times) {
          clock.now += ms * times;
        },
        result: async () => product,
        async close() {},
      };
    },
    async close() {},
  };
}

test('rates come from the clock, and a kit with another product is left out with a sentence', async () => {
  const clock = { now: 0 };
  const results = [];
  for await (const result of contest({
    products: [PRODUCT],
    kits: [kit('slow', 4, clock), kit('fast', 2, clock), kit('wrong', 1, clock, 1)],
    rounds: 3,
    turnMs: 8,
    now: () => clock.now,
  })) {
    results.push(result);
  }
  expect(results).toEqual([
    {
      product: 'p/2x3x4',
      rates: {
        slow: { gflops: 48 / 4 / 1e6 },
        fast: { gflops: 48 / 2 / 1e6 },
        wrong: { refused: expect.stringMatching(/^its product differs: .* instead of .* at 0$/) },
      },
    },
  ]);
});

test('every sum of the products is exact in f32, so that equal bits may be asked for', () => {
  for (const size of ['small', 'full'] as const) {
    for (const { K } of qwenProducts(size)) expect(K * 64).toBeLessThan(2 ** 24);
  }
  const values = operand(50, 40, 3);
  expect(values.every((value) => Number.isInteger(value) && Math.abs(value) <= 8)).toBe(true);
  expect(new Set(values).size).toBe(16);
  expect(transposed(transposed(values, 50, 40), 40, 50)).toEqual(values);
});
