import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, DutyCycle } from './duty-cycle.ts';

/** A clock that moves only when told; sleeping overshoots by `overshoot`. */
function testClock(overshoot = 0) {
  let time = 0;
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => time,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      pauses.push(ms);
      time += ms + overshoot;
    },
  };
  return { clock, pauses, pass: (ms: number) => (time += ms), time: () => time };
}

describe('DutyCycle', () => {
  it('keeps the share over a stretch of work, whatever the pieces and however late timers are', async () => {
    const pieces = fc.array(fc.double({ min: 0.05, max: 60, noNaN: true }), { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(
        pieces,
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        fc.constantFrom(0, 0.7, 4),
        async (all, share, late) => {
          const { clock, pass, time } = testClock(late);
          const duty = new DutyCycle(clock);
          duty.share = share;
          let worked = 0;
          for (const ms of all) {
            pass(ms);
            worked += ms;
            await duty.worked(ms);
          }
          const wanted = worked / share;
          // At most one short pause is still owed, and at most one overshoot too much was taken.
          expect(time()).toBeGreaterThanOrEqual(wanted - 2.001);
          expect(time()).toBeLessThanOrEqual(wanted + late + 0.001);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never pauses at a share of 1', async () => {
    const { clock, pauses } = testClock();
    await new DutyCycle(clock).worked(10_000);
    expect(pauses).toEqual([]);
  });

  it('takes a new share during a long pause', async () => {
    const { clock, pauses } = testClock();
    const duty = new DutyCycle({
      ...clock,
      sleep: async (ms) => {
        await clock.sleep(ms);
        if (pauses.length === 3) duty.share = 1;
      },
    });
    duty.share = 0.1;
    await duty.worked(1000);
    expect(pauses).toEqual([100, 100, 100]);
  });

  it('ends a pause on abort', async () => {
    const { clock, pauses } = testClock();
    const duty = new DutyCycle(clock);
    duty.share = 0.5;
    await expect(duty.worked(100, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(pauses).toEqual([]);
  });

  it.each([0, 0.05, 1.1, Number.NaN])('refuses a share of %d', (share) => {
    const duty = new DutyCycle();
    expect(() => {
      duty.share = share;
    }).toThrow(RangeError);
    expect(duty.share).toBe(1);
  });
});
