import { describe, expect, it } from 'vitest';
import { Poller } from './poller.ts';

/** A clock that is moved by hand: a sleep ends when `pass` is called, or when its signal fires. */
class ManualClock {
  readonly slept: number[] = [];
  #wake: (() => void) | undefined;

  sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      this.slept.push(ms);
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });

  async pass(): Promise<void> {
    this.#wake?.();
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 16; i++) await Promise.resolve();
}

describe('Poller', () => {
  it('makes a pass at once and one after each interval, until it is stopped', async () => {
    const clock = new ManualClock();
    let passes = 0;
    const poller = new Poller({ pass: async () => void passes++, intervalMs: 70, sleep: clock.sleep });
    poller.start();
    poller.start();
    await settled();
    expect(passes).toBe(1);
    await clock.pass();
    expect(passes).toBe(2);
    await poller.stop();
    expect(clock.slept).toEqual([70, 70]);
    expect(passes).toBe(2);
    poller.start();
    await settled();
    expect(passes).toBe(3);
    await poller.stop();
  });

  it('tells what failed and goes on', async () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const pass = () => Promise.reject(new Error('away'));
    const onError = (error: unknown) => errors.push(error);
    const poller = new Poller({ pass, onError, intervalMs: 1, sleep: clock.sleep });
    poller.start();
    await settled();
    await clock.pass();
    expect(errors).toEqual([new Error('away'), new Error('away')]);
    await poller.stop();
  });

  it('makes the next pass when it is woken', async () => {
    const clock = new ManualClock();
    let passes = 0;
    const poller = new Poller({ pass: async () => void passes++, intervalMs: 1e9, sleep: clock.sleep });
    poller.wake();
    poller.start();
    await settled();
    poller.wake();
    await settled();
    expect(passes).toBe(2);
    await poller.stop();
  });

  it('is stopped only once its pass is over, and does not tell what the stop made fail', async () => {
    const errors: unknown[] = [];
    let over = false;
    const pass = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          over = true;
          reject(new Error('aborted'));
        });
      });
    const poller = new Poller({ pass, intervalMs: 1, onError: (error) => errors.push(error) });
    poller.start();
    await poller.stop();
    expect({ over, errors }).toEqual({ over: true, errors: [] });
  });
});
