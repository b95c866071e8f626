import { describe, expect, it } from 'vitest';
import { SimulatedScheduler } from '../../swarm/testing/simulated-scheduler.ts';
import { Uplink } from './uplink.ts';

function sent(options: { readonly roundTrip: number; readonly megabits: number }, sizes: readonly number[]) {
  const scheduler = new SimulatedScheduler();
  const uplink = new Uplink({ ...options, scheduler });
  const began = scheduler.now();
  const arrived: (readonly [index: number, at: number])[] = [];
  for (const [index, bytes] of sizes.entries())
    uplink.send(bytes, () => arrived.push([index, scheduler.now() - began]));
  return { scheduler, arrived };
}

describe('Uplink', () => {
  it('delivers at once where nothing is slow', () => {
    expect(sent({ roundTrip: 0, megabits: 0 }, [1e9, 1]).arrived).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it('takes half a round trip, and a message after the bytes before it', async () => {
    const { scheduler, arrived } = sent({ roundTrip: 100, megabits: 20 }, [250_000, 25_000, 0]);
    await scheduler.advance(149);
    expect(arrived).toEqual([]);
    await scheduler.advance(20);
    expect(arrived).toEqual([
      [0, 150],
      [1, 160],
      [2, 160],
    ]);
  });

  it('limits no rate without one', async () => {
    const { scheduler, arrived } = sent({ roundTrip: 50, megabits: 0 }, [1e9, 1e9]);
    await scheduler.advance(25);
    expect(arrived.map(([, at]) => at)).toEqual([25, 25]);
  });
});
