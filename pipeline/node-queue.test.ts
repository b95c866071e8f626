import { describe, expect, it } from 'vitest';
import { NodeQueue, type SlotUse } from './node-queue.ts';

const queueOf = (slots: number) => new NodeQueue<SlotUse>({ slots, slotUse: (task) => task });

describe('the tasks of a node', () => {
  it('starts one at a time, the first that joined first', () => {
    const queue = new NodeQueue<string>({ slots: 1, slotUse: () => 'none' });
    for (const task of ['a', 'b', 'c']) queue.add(task);
    expect(queue.start()).toBe('a');
    expect(queue.start()).toBeUndefined();
    queue.remove((task) => task === 'b');
    expect(queue.finish()).toBe('a');
    expect(queue.start()).toBeUndefined();
    queue.release();
    expect(queue.start()).toBe('c');
    expect(queue.size).toBe(0);
  });

  it('lets a task without a slot be overtaken, and takes slots back', () => {
    const queue = queueOf(1);
    for (const task of ['takes', 'takes', 'none', 'gives'] as const) queue.add(task);
    const done: (SlotUse | undefined)[] = [];
    for (let count = 0; count < 4; count++) {
      done.push(queue.start());
      queue.finish();
      queue.release();
    }
    expect(done).toEqual(['takes', 'none', 'gives', 'takes']);
    expect(queue.slots).toBe(0);
    queue.giveBack();
    expect(queue.slots).toBe(1);
  });
});
