import { describe, expect, it } from 'vitest';
import { ResponseTimes } from './response-times.ts';

const asked = { kind: 'forward', roundTrip: 10, first: 500 };

function timesOf(kind: string, values: readonly number[]): ResponseTimes {
  const times = new ResponseTimes();
  for (const value of values) times.add(kind, value);
  return times;
}

describe('deadlines', () => {
  it('[P-146] are the median of the last 20 times and four median absolute deviations', () => {
    // Median 100; deviations 10, 0, 20, of which the median is 10.
    expect(timesOf('forward', [90, 100, 120]).deadline(asked)).toBe(140);
    const many = [...Array.from({ length: 30 }, () => 1000), ...Array.from({ length: 20 }, () => 60)];
    expect(timesOf('forward', many).deadline(asked)).toBe(60);
  });

  it('[P-146] are no less than two round trips', () => {
    expect(timesOf('forward', [1, 1, 1]).deadline(asked)).toBe(20);
    expect(timesOf('forward', [1, 1, 1]).deadline({ ...asked, roundTrip: 90 })).toBe(180);
  });

  it('are the longest known for a kind of which little is known, and the first one before all', () => {
    expect(new ResponseTimes().deadline(asked)).toBe(500);
    expect(timesOf('forward', [1, 1]).deadline(asked)).toBe(500);
    const times = timesOf('backward', [300, 300, 300]);
    for (const value of [40, 40, 40]) times.add('sum', value);
    expect(times.deadline(asked)).toBe(300);
    expect(times.deadline({ ...asked, kind: 'sum' })).toBe(40);
  });
});
