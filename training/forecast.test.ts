import { describe, expect, it } from 'vitest';
import { durationText, startForecast } from './forecast.ts';

describe('startForecast', () => {
  it('tells the time of further steps from the pace of the latest hundred', () => {
    let now = 5000;
    const forecast = startForecast(() => now);
    expect(forecast.remaining(10)).toBe(0);
    for (let step = 0; step < 50; step++) {
      now += 1000;
      forecast.stepDone();
    }
    expect(forecast.elapsed()).toBe(50);
    expect(forecast.remaining(10)).toBeCloseTo(10);
    for (let step = 0; step < 101; step++) {
      now += 4000;
      forecast.stepDone();
    }
    expect(forecast.remaining(10)).toBeCloseTo(40);
  });
});

describe('durationText', () => {
  it('is short', () => {
    expect([4.4, 89, 91, 3600, 5399, 5400, 7260].map(durationText)).toEqual([
      '4 s',
      '89 s',
      '2 min',
      '60 min',
      '1 h 30 min',
      '1 h 30 min',
      '2 h 1 min',
    ]);
  });
});
