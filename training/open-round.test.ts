import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../protocol/hex.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { openRound } from './open-round.ts';
import { openTasks } from './tasks/task-source.ts';

const devices = Array.from({ length: 8 }, (_, index): DeviceAddress => `0x${String(index + 1).repeat(40)}`);
const [device = '0x'] = devices;
const context = { round: 7, seed: `0x${'5a'.repeat(32)}`, device } as const;
const { itemsPerRound, itemsAnswered } = DEFAULT_SETTINGS;
const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());

describe('the draws of a round', () => {
  const round = openRound(context, DEFAULT_SETTINGS, tasks);

  it('give each device some of the pool, ascending and with the tasks in turn', () => {
    expect(round.items.length).toBe(itemsPerRound);
    for (const each of devices) {
      const drawn = round.drawOf(each);
      expect(drawn.length).toBe(itemsAnswered);
      expect(new Set(drawn).size).toBe(itemsAnswered);
      expect([...drawn].sort((a, b) => a - b)).toEqual(drawn);
      const perTask = new Map<string | undefined, number>();
      for (const index of drawn) {
        const task = round.items[index]?.task;
        perTask.set(task, (perTask.get(task) ?? 0) + 1);
      }
      expect([...perTask.values()]).toEqual([2, 2, 2, 2]);
    }
  });

  it('differ between devices, so that the devices of a swarm answer more questions than one', () => {
    const union = new Set(devices.flatMap((each) => round.drawOf(each)));
    expect(union.size).toBeGreaterThan(2.5 * itemsAnswered);
  });

  it('are the same for every device that looks, and others in another round or under another seed', () => {
    const [, other = device] = devices;
    const theirs = openRound({ ...context, device: other }, DEFAULT_SETTINGS, tasks);
    expect(theirs.drawOf(device)).toEqual(round.drawOf(device));
    const upper = device.toUpperCase().replace('0X', '0x') as DeviceAddress;
    expect(theirs.drawOf(upper)).toEqual(round.drawOf(device));
    expect(openRound({ ...context, round: 8 }, DEFAULT_SETTINGS, tasks).drawOf(device)).not.toEqual(
      round.drawOf(device),
    );
    const reseeded = openRound({ ...context, seed: `0x${'5b'.repeat(32)}` }, DEFAULT_SETTINGS, tasks);
    expect(reseeded.drawOf(device)).not.toEqual(round.drawOf(device));
  });

  it('are the whole pool when a device answers as many items as there are', () => {
    const whole = openRound(context, { ...DEFAULT_SETTINGS, itemsAnswered: itemsPerRound }, tasks);
    expect(whole.drawOf(device)).toEqual(whole.items.map((_, index) => index));
  });
});
