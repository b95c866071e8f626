import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

describe('EventQueue', () => {
  it('gives events in order of time, and equal times in the order of adding', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), (times) => {
        const queue = new EventQueue<number>();
        for (const [number, at] of times.entries()) queue.add(at, number);
        expect(queue.size).toBe(times.length);
        const taken = times.map(() => queue.take());
        const wanted = times
          .map((at, event) => ({ at, event }))
          .sort((a, b) => a.at - b.at || a.event - b.event);
        expect(taken.map((one) => ({ at: one?.at, event: one?.event }))).toEqual(wanted);
        expect(queue.take()).toBeUndefined();
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});
