import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deadline, every, systemScheduler, wait } from './scheduler.ts';
import { describeSchedulerContract } from './testing/scheduler-contract.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

describeSchedulerContract('systemScheduler', () => ({
  scheduler: systemScheduler,
  advance: async (ms) => {
    await sleep(ms);
  },
}));

describeSchedulerContract('SimulatedScheduler', () => {
  const scheduler = new SimulatedScheduler();
  return { scheduler, advance: (ms) => scheduler.advance(ms) };
});

describe('wait', () => {
  it('resolves after its time, and leaves no timer when it is aborted', async () => {
    const scheduler = new SimulatedScheduler();
    const cancel = new AbortController();
    const ends: string[] = [];
    void wait(scheduler, 100, cancel.signal).then(() => ends.push('passed'));
    await scheduler.advance(99);
    expect(ends).toEqual([]);
    await scheduler.advance(1);
    expect(ends).toEqual(['passed']);
    const aborted = expect(wait(scheduler, 100, cancel.signal)).rejects.toThrow('enough');
    cancel.abort(new Error('enough'));
    await aborted;
    expect(scheduler.pending).toBe(0);
    await expect(wait(scheduler, 100, cancel.signal)).rejects.toThrow('enough');
    expect(scheduler.pending).toBe(0);
  });
});

describe('every', () => {
  it('runs at each interval until it is stopped, also from within', async () => {
    const scheduler = new SimulatedScheduler();
    const times: number[] = [];
    const stop = every(scheduler, 100, () => {
      times.push(scheduler.now());
      if (times.length === 3) stop();
    });
    await scheduler.advance(1_000);
    expect(times).toEqual([100, 200, 300]);
    expect(scheduler.pending).toBe(0);
  });
});

describe('deadline', () => {
  it('aborts after its time, with the given signal, or not once it is released', async () => {
    const scheduler = new SimulatedScheduler();
    const late = deadline(scheduler, 50);
    const released = deadline(scheduler, 50);
    released.release();
    const cancel = new AbortController();
    const cancelled = deadline(scheduler, 50, cancel.signal);
    cancel.abort(new Error('enough'));
    expect(cancelled.signal.reason).toEqual(new Error('enough'));
    await scheduler.advance(50);
    expect(late.signal.aborted).toBe(true);
    expect(String(late.signal.reason)).toContain('within 50 ms');
    expect(released.signal.aborted).toBe(false);
  });

  it('leaves nothing on a signal that lives longer, once it is released', () => {
    const longer = new AbortController();
    const limit = deadline(new SimulatedScheduler(), 50, longer.signal);
    expect(getEventListeners(longer.signal, 'abort')).toHaveLength(1);
    limit.release();
    expect(getEventListeners(longer.signal, 'abort')).toEqual([]);
    longer.abort();
    expect(limit.signal.aborted).toBe(false);
  });

  it('is over from the beginning when the given signal is', () => {
    const limit = deadline(new SimulatedScheduler(), 50, AbortSignal.abort(new Error('enough')));
    expect(limit.signal.reason).toEqual(new Error('enough'));
  });
});
