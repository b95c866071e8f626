import { describe, expect, it } from 'vitest';
import { SerialQueue } from './serial-queue.ts';

describe('SerialQueue', () => {
  it('runs calls one after another, in order', async () => {
    const queue = new SerialQueue();
    const events: string[] = [];
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = queue.run(async () => {
      events.push('first starts');
      await slow;
      events.push('first ends');
      return 1;
    });
    const second = queue.run(() => {
      events.push('second');
      return 2;
    });
    await Promise.resolve();
    expect(events).toEqual(['first starts']);
    finish();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(events).toEqual(['first starts', 'first ends', 'second']);
  });

  it('rejects a failed call for its caller and runs the next', async () => {
    const queue = new SerialQueue();
    const failed = queue.run(() => Promise.reject(new Error('disk full')));
    const next = queue.run(() => 'done');
    await expect(failed).rejects.toThrow('disk full');
    expect(await next).toBe('done');
  });

  it('turns a synchronous throw into a rejection', async () => {
    const failed = new SerialQueue().run(() => {
      throw new RangeError('no such step');
    });
    await expect(failed).rejects.toThrow(RangeError);
  });

  it('is idle after every call so far has settled, failed ones included', async () => {
    const queue = new SerialQueue();
    let settled = 0;
    const count = () => {
      settled++;
    };
    void queue.run(() => Promise.reject(new Error('no'))).catch(count);
    void queue.run(async () => undefined).then(count);
    await queue.idle();
    expect(settled).toBe(2);
  });
});
