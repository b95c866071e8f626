import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WriteStride } from './write-stride.ts';

/** The last two steps of so many that a device writes whose steps take so long. */
function written(ms: number, steps: number): number[] {
  const stride = new WriteStride();
  for (let step = 0; step <= 32; step++) stride.finished(step * ms);
  return Array.from({ length: steps + 1 }, (_, step) => step)
    .filter((step) => stride.writes(step))
    .slice(-2);
}

describe('how often versions are written', () => {
  it('[P-165] is every step where steps are slow, and every tenth second or later where they are fast', () => {
    expect(written(10_000, 100)).toEqual([99, 100]);
    expect(written(5_000, 101)).toEqual([98, 100]);
    expect(written(300, 1_000)).toEqual([896, 960]);
  });

  it('is every step while nothing is known, and a pause is no step', () => {
    const stride = new WriteStride();
    expect(stride.writes(7)).toBe(true);
    for (let step = 0; step < 10; step++) {
      stride.finished(step * 100_000);
      stride.pause();
    }
    for (let step = 0; step < 4; step++) stride.finished(2_000_000 + step * 100);
    expect(stride.writes(7)).toBe(false);
  });

  it('[P-165] leaves devices a step in common whose steps take nearly as long', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 20_000 }),
        fc.integer({ min: 2_000, max: 9_000 }),
        (ms, steps) => {
          const [one, other] = [written(ms, steps), written(Math.round(ms * 1.3), steps)];
          expect(one.some((step) => other.includes(step))).toBe(true);
        },
      ),
    );
  });
});
