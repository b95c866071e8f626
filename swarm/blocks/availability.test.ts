import { describe, expect, it } from 'vitest';
import { SimulatedBlocks, type SimulatedDevice } from '../testing/simulated-blocks.ts';

const MB = 1_000_000;
/** A block of 13 MB, which the links carry as such while the test keeps 20,000 bytes of it. */
const KEPT_BYTES = 20_000;
const SCALE = (13 * MB) / KEPT_BYTES;
const BLOCKS = ['embedding', 'layers.0-1', 'layers.2-3', 'head'].map((id) => ({
  id,
  versionBytes: KEPT_BYTES,
}));
/** Share of the devices that leaves in an hour. */
const LEAVING = 0.33;

interface Outcome {
  readonly left: number;
  readonly steps: number;
  readonly fewest: number;
  readonly lost: number;
  readonly fetchedTwice: number;
  readonly fetched: number;
  readonly falseAcknowledgements: number;
}

/** 24 hours of eight devices of which a third leaves in every hour. */
async function day(seed: number): Promise<Outcome> {
  // A version is one chunk here, which takes as long as 50: a peer may be silent for longer.
  const fetch = { timeout: 30_000 };
  const world = new SimulatedBlocks({ blocks: BLOCKS, seed, scale: SCALE, checkMs: 60_000, fetch });
  const first = await world.join(world.newDisk());
  await world.startRun(first);
  for (let n = 1; n < 8; n++) await world.join(world.newDisk());
  await world.scheduler.advance(120_000);

  let left = 0;
  let fewest = Number.POSITIVE_INFINITY;
  let lost = 0;
  let fetched = 0;
  const closing: Promise<unknown>[] = [];
  const close = (device: SimulatedDevice): void => {
    left++;
    fetched += device.keeper.counts().fetched;
    closing.push(device.leave());
    // Half of them come back with what they had. The place of the others is taken by a new device.
    const disk = world.random() < 0.5 ? device.disk : world.newDisk();
    world.scheduler.after(world.random() * 600_000, () => closing.push(world.join(disk)));
  };
  /** Share that leaves in a minute, so that 33 % have left after an hour. */
  const aMinute = 1 - (1 - LEAVING) ** (1 / 60);
  for (let minute = 0; minute < 24 * 60; minute++) {
    if (minute % 10 === 0) {
      // A claim on the last 20 steps, which may be challenged for two hours.
      const step = world.newestStep();
      if (minute % 60 === 0) world.record.claims = [...world.record.claims.slice(-1), Math.max(0, step - 1)];
      await world.step(20_000);
      await world.scheduler.advance(40_000);
    } else await world.scheduler.advance(60_000);
    for (const device of [...world.there.values()]) if (world.random() < aMinute) close(device);
    for (const { count } of world.replicas()) {
      fewest = Math.min(fewest, count);
      if (count === 0) lost++;
    }
  }
  await Promise.all(closing);
  for (const { keeper } of world.there.values()) fetched += keeper.counts().fetched;
  const fetchedTwice = world.fetches.filter(({ hadIt }) => hadIt).length;
  const falseAcknowledgements = [...world.there.values()].reduce(
    (sum, { keeper }) => sum + keeper.counts().falseAcknowledgements,
    0,
  );
  return { left, steps: world.newestStep(), fewest, lost, fetchedTwice, fetched, falseAcknowledgements };
}

describe('blocks on devices that come and go', () => {
  it.each([1, 2, 3])('[P-162] [P-165] [P-166] lose no version in 24 hours, seed %i', async (seed) => {
    const outcome = await day(seed);
    expect(outcome).toMatchObject({ steps: 144, lost: 0, fetchedTwice: 0, falseAcknowledgements: 0 });
    // The world was as rough as it is meant to be.
    expect(outcome.left).toBeGreaterThan(60);
    expect(outcome.fetched).toBeGreaterThan(200);
    expect(outcome.fewest).toBeLessThan(3);
  });
});
