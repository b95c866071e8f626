import { describe, expect, it } from 'vitest';
import { FEW, MANY, RequestWindow } from './request-window.ts';

/** Asks for as much as there is room, and has each answered after `ms`, `times` times. */
function exchange(window: RequestWindow, clock: { now: number }, ms: number, times: number): void {
  for (let n = 0; n < times; n++) {
    const indices = Array.from({ length: window.room }, (_, i) => 100 * n + i);
    for (const index of indices) window.ask(index);
    clock.now += ms;
    for (const index of indices) expect(window.answer(index)).toBe(true);
  }
}

describe('RequestWindow', () => {
  it('[P-92] begins with 4 requests, has up to 16 for a peer that answers soon, and 4 again for a slow one', () => {
    const clock = { now: 0 };
    const window = new RequestWindow(() => clock.now);
    expect(window.room).toBe(FEW);
    exchange(window, clock, 1_000, 1);
    expect(window.room).toBe(2 * FEW);
    exchange(window, clock, 2_000, 5);
    expect(window.room).toBe(2 * FEW);
    exchange(window, clock, 100, 10);
    expect(window.room).toBe(MANY);
    exchange(window, clock, 3_001, 10);
    expect(window.room).toBe(FEW);
  });

  it('takes one answer to each request', () => {
    const window = new RequestWindow(() => 0);
    window.ask(7);
    expect(window.unanswered).toEqual([7]);
    expect([window.answer(8), window.answer(7), window.answer(7)]).toEqual([false, true, false]);
    expect(window.unanswered).toEqual([]);
  });
});
