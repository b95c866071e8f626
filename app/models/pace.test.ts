import { describe, expect, it } from 'vitest';
import { measured, NO_PACE, rateOf, secondsLeft } from './pace.ts';

describe('pace', () => {
  it('is the rate of the last seconds, not of the whole time', () => {
    let pace = NO_PACE;
    for (let second = 0; second <= 10; second++) pace = measured(pace, second * 1000, second * 1_000_000);
    for (let second = 11; second <= 20; second++) {
      pace = measured(pace, second * 1000, 10_000_000 + (second - 10) * 100_000);
    }
    expect(rateOf(pace, 20_000)).toBe(100_000);
    expect(secondsLeft(pace, 12_000_000, 20_000)).toBe(10);
    expect(pace.samples.length).toBeLessThan(8);
  });

  it('says nothing too early, and sees that nothing comes any more', () => {
    const pace = measured(measured(NO_PACE, 0, 0), 100, 5000);
    expect(rateOf(NO_PACE, 0)).toBeNull();
    expect(rateOf(pace, 100)).toBeNull();
    expect(rateOf(pace, 1000)).toBe(5000);
    expect(rateOf(pace, 6000)).toBe(0);
    expect(secondsLeft(pace, 10_000, 6000)).toBeNull();
    expect(secondsLeft(pace, null, 1000)).toBeNull();
  });
});
