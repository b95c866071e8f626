import fc from 'fast-check';
import { expect, it } from 'vitest';
import { add, fold, mul } from '../../repops/arithmetic.ts';
import { canonical, canonOfExact, scaled } from '../../repops/testing/exact.ts';
import { latticeFold, toLattice } from './lattice-fold.ts';

it('[RO-8][RO-10] a fold of lattice products is the same fused, unfused, and with canon at every step', () => {
  const values = fc.array(canonical, { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, values, (left, right) => {
      const count = Math.min(left.length, right.length);
      const a = toLattice(Float32Array.from(left));
      const b = toLattice(Float32Array.from(right));
      const stepwise = fold(count, (i) => mul(a[i]!, b[i]!));
      const plain = latticeFold(count, { data: a, start: 0, stride: 1 }, { data: b, start: 0, stride: 1 });
      let fused = 0;
      for (let start = 0; start < count; start += 64) {
        let partial = 0;
        for (let i = start; i < Math.min(start + 64, count); i++) {
          partial = canonOfExact(scaled(partial) * 2n ** 149n + scaled(a[i]!) * scaled(b[i]!), 298);
        }
        fused = add(fused, partial);
      }
      expect(Object.is(plain, stepwise)).toBe(true);
      expect(Object.is(fused, stepwise)).toBe(true);
    }),
  );
});
