import { describe, expect, it } from 'vitest';
import { type Measurements, MeasurementsError, timingOf } from './measurements.ts';

const measured: Measurements = {
  latency: [
    [0, 20_000],
    [30_000, 0],
  ],
  throughput: [
    [0, 3_000_000],
    [1_000_000, 0],
  ],
  work: [
    { forward: 10, loss: 2, backward: 20 },
    { forward: 11, loss: 3, backward: 21 },
  ],
  slots: [3, 4],
};

describe('timingOf', () => {
  it('takes a hop apart into what occupies the uplink and what does not', () => {
    const timing = timingOf(measured, { bytes: 1_000_000, fixed: 500, rest: 7 });
    expect(timing.links).toEqual([
      [
        { latency: 0, transfer: 0 },
        { latency: 20_500, transfer: 333_334 },
      ],
      [
        { latency: 30_500, transfer: 1_000_000 },
        { latency: 0, transfer: 0 },
      ],
    ]);
    expect(timing).toMatchObject({ slots: [3, 4], rest: 7, serialUplink: true });
  });

  it.each<[string, Partial<Measurements>]>([
    [
      'a latency that is no number',
      {
        latency: [
          [0, Number.NaN],
          [0, 0],
        ],
      },
    ],
    [
      'a latency below zero',
      {
        latency: [
          [0, -1],
          [0, 0],
        ],
      },
    ],
    [
      'a throughput of nothing',
      {
        throughput: [
          [0, 0],
          [1, 0],
        ],
      },
    ],
    [
      'a throughput that is no whole number',
      {
        throughput: [
          [0, 1.5],
          [1, 0],
        ],
      },
    ],
    ['a missing row', { latency: [[0, 1]] }],
    ['a missing column', { latency: [[0], [1, 0]] }],
    ['no slot', { slots: [0, 1] }],
    ['work of more than an hour', { work: [{ forward: 4e9, loss: 0, backward: 0 }, measured.work[1]!] }],
  ])('refuses %s', (_, change) => {
    expect(() => timingOf({ ...measured, ...change }, { bytes: 1 })).toThrow(MeasurementsError);
  });

  it('refuses bytes, a fixed time and a rest out of bounds', () => {
    expect(() => timingOf(measured, { bytes: -1 })).toThrow(MeasurementsError);
    expect(() => timingOf(measured, { bytes: 1, fixed: 0.5 })).toThrow(MeasurementsError);
    expect(() => timingOf(measured, { bytes: 1, rest: 1e12 })).toThrow(MeasurementsError);
  });
});
