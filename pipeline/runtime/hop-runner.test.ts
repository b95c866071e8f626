import { describe, expect, it } from 'vitest';
import type { HopGraphNode } from './hop-graph.ts';
import { HopRunner } from './hop-runner.ts';

const node = (index: number, more: Partial<HopGraphNode> = {}): HopGraphNode => ({
  index,
  kind: 'forward',
  block: 'layers.0',
  inputs: [],
  state: [],
  outputs: [],
  ...more,
});
const runner = (slots = 8) =>
  new HopRunner({ slots, roundTrip: () => 10, leastDeadline: 0, firstDeadline: 100 });

describe('what is known of a device', () => {
  it('[P-146] expects nothing of a device that has nothing to compute', () => {
    const device = runner();
    expect(device.lateAt).toBeUndefined();
    device.assign(node(0), 5);
    expect(device.lateAt).toBe(105);
    device.release(0);
    expect(device.lateAt).toBeUndefined();
  });

  it('[P-146] counts from its last handoff, so that a queue is no delay', () => {
    const device = runner();
    for (const index of [0, 1, 2]) device.assign(node(index), 0);
    device.handedOff(node(0), 80);
    expect(device.lateAt).toBe(180);
    expect(device.assigned).toEqual([1, 2]);
  });

  it('[P-146] gives a device that also computes an update the time of an update', () => {
    const device = runner();
    const update = (index: number) => node(index, { kind: 'update' });
    for (const [index, at] of [40, 80, 120].entries()) {
      device.assign(update(index), at - 40);
      device.handedOff(update(index), at);
    }
    for (const [index, at] of [121, 122, 123].entries()) {
      device.assign(node(10 + index), at - 1);
      device.handedOff(node(10 + index), at);
    }
    device.assign(node(20), 123);
    expect(device.lateAt).toBe(143);
    device.owe(update(4));
    expect(device.lateAt).toBe(163);
    device.handedOff(update(4), 150);
    expect(device.lateAt).toBe(170);
    device.owe(update(5));
    device.reset();
    device.assign(node(21), 200);
    expect(device.lateAt).toBe(220);
  });

  it('waits for no forward pass without a slot, until a backward pass gives one back', () => {
    const device = runner(1);
    const takes = (index: number, microbatch: number) => node(index, { microbatch, slot: 'takes' });
    device.assign(takes(0, 0), 0);
    device.assign(takes(1, 1), 0);
    device.handedOff(takes(0, 0), 10);
    expect(device.lateAt).toBeUndefined();
    device.assign(node(2, { microbatch: 0, slot: 'gives', kind: 'backward' }), 20);
    expect(device.lateAt).toBe(120);
    device.handedOff(node(2, { microbatch: 0, slot: 'gives', kind: 'backward' }), 30);
    device.letGo(node(2, { microbatch: 0 }));
    expect(device.lateAt).toBe(130);
  });

  it('[P-146] expects an answer within one and a half round trips when it was asked', () => {
    const device = runner();
    device.probe(50);
    expect(device.lateAt).toBe(65);
    device.heard(60, false);
    expect(device.lateAt).toBeUndefined();
    expect(device.isSilent(70)).toBe(false);
    expect(device.isSilent(80)).toBe(true);
  });

  it('[P-146] gives no device less than the least deadline, also for a sign of life', () => {
    const device = new HopRunner({
      slots: 8,
      roundTrip: () => 10,
      firstDeadline: 100,
      leastDeadline: 500,
    });
    device.assign(node(0), 0);
    expect(device.lateAt).toBe(500);
    device.probe(20);
    expect(device.lateAt).toBe(500);
    expect(device.isSilent(499)).toBe(true);
    device.heard(100, false);
    expect(device.isSilent(599)).toBe(false);
  });

  it('[P-146] waits no longer for a device that answers pings and does nothing', () => {
    const device = runner();
    device.assign(node(0), 0);
    for (const now of [20, 40, 60, 80]) device.heard(now, false);
    expect(device.lateAt).toBe(100);
  });

  it('[P-146] lets other messages put the deadline off, up to eight times', () => {
    const device = runner();
    device.assign(node(0), 0);
    device.heard(90, true);
    expect(device.lateAt).toBe(190);
    device.heard(10_000, true);
    expect(device.lateAt).toBe(800);
  });

  it('[P-146] gives a device that was late twice as long each time, and less again with each hop in time', () => {
    const device = runner();
    for (const deadline of [100, 200, 400]) {
      device.assign(node(0), 0);
      expect(device.lateAt).toBe(deadline);
      device.giveUp();
      device.release(0);
    }
    for (let times = 0; times < 10; times++) device.giveUp();
    device.assign(node(0), 0);
    expect(device.lateAt).toBe(3_200);
    // A deadline of 20 s or more is long enough.
    const slow = new HopRunner({ slots: 8, roundTrip: () => 10, leastDeadline: 0, firstDeadline: 90_000 });
    slow.giveUp();
    slow.assign(node(0), 0);
    expect(slow.lateAt).toBe(90_000);

    for (let index = 1; index <= 40; index++) {
      device.assign(node(index), 0);
      device.handedOff(node(index), 0);
    }
    expect(device.deadline(['forward'])).toBe(20);
  });

  it('[P-146] learns from a hop that it hands off after it was taken from it', () => {
    const device = runner();
    for (const index of [0, 1, 2]) {
      device.assign(node(index), 1_000 * index);
      device.release(index);
      device.handedOff(node(index), 1_000 * index + 600);
    }
    expect(device.deadline(['forward'])).toBe(600);
  });
});
