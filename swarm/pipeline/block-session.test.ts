import { describe, expect, it } from 'vitest';
import { hashedGraph, hashedOracle } from '../../pipeline/testing/hashed-blocks.ts';
import { must } from '../../protocol/must.ts';
import { type SessionDevice, SimulatedSessions } from '../testing/simulated-session.ts';
import type { CollectedVersions } from './version-collector.ts';

const graph = hashedGraph({
  layers: 3,
  paths: [
    [1, 2, 3],
    [1, 3],
    [2, 1],
  ],
});
const graphOf = () => graph;

function oracle(steps: number) {
  return hashedOracle(Array.from({ length: steps }, graphOf));
}

/** Simulates until every device has finished that many steps, at most so many seconds. */
async function until(
  run: SimulatedSessions,
  devices: readonly SessionDevice[],
  steps: number,
  seconds = 300,
) {
  for (let second = 0; second < seconds; second++) {
    if (devices.every((device) => device.steps.has(steps - 1))) return;
    await run.scheduler.advance(1_000);
  }
  const views = devices.map(({ session }) => session.view());
  throw new Error(`Not all devices finished ${steps} steps: ${JSON.stringify(views)}`);
}

describe('BlockSession', () => {
  it('trains alone where one device can keep all blocks', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 20 });
    const only = await run.join();
    await until(run, [only], 3);
    expect(only.steps.get(2)).toEqual(oracle(3));
    expect(only.session.view()).toMatchObject({ state: 'computing', problems: [] });
  });

  it('gathers devices of which none can keep all blocks, and they have the bits of one', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 20 });
    // A block has 320 bytes, and a keeper sets four times as many aside.
    const devices = [await run.join(2 * 4 * 340)];
    await run.scheduler.advance(20_000);
    expect(devices[0]?.session.view().state).toBe('gathering');
    for (let n = 0; n < 3; n++) devices.push(await run.join(2 * 4 * 340));
    await until(run, devices, 3);
    for (const { steps, session } of devices) {
      expect(steps.get(2)).toEqual(oracle(3));
      expect(session.view().blocks.filter(({ isHere }) => isHere).length).toBeLessThan(4);
    }
  });

  it('puts the whole model together on a device that keeps a part, while the others go on', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 200 });
    const devices: SessionDevice[] = [];
    for (let n = 0; n < 4; n++) devices.push(await run.join(2 * 4 * 340));
    await until(run, devices, 2);
    const [first] = devices;
    const collected: CollectedVersions[] = [];
    void first?.session.collect().then((found) => collected.push(found));
    for (let half = 0; half < 120 && collected.length === 0; half++) await run.scheduler.advance(500);
    const { step, files } = must(collected, 0);
    expect([...files.keys()]).toEqual(first?.session.view().blocks.map(({ id }) => id));
    const state = first?.steps.get(step - 1) ?? new Map();
    for (const file of files.values()) {
      const { step: of, roots } = run.describe(file);
      expect(of).toBe(step);
      for (const [name, root] of roots) expect(state.get(name)).toBe(root);
    }
  });

  it('[P-149] takes a device in whose blocks come one after another while steps go by', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 20, fileMs: 80 });
    const devices = [await run.join(), await run.join(), await run.join()];
    await until(run, devices, 2);

    devices[2]?.kill();
    const late = await run.join();
    for (let second = 0; second < 20 && late.session.view().state !== 'computing'; second++) {
      await run.scheduler.advance(1_000);
    }
    expect(late.session.view()).toMatchObject({ state: 'computing', problems: [] });
    await run.scheduler.advance(20_000);
    expect(late.session.view().blocks.filter(({ isHere }) => isHere).length).toBeGreaterThan(1);
    const begun = Math.max(...late.steps.keys(), 0);
    await run.scheduler.advance(2_000);
    const last = Math.max(...late.steps.keys());
    expect(last).toBeGreaterThan(begun);
    expect(late.steps.get(last)).toEqual(oracle(last + 1));
  });

  it('goes on with the same bits when a device is gone, and takes a new one in while it computes', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 200 });
    const devices = [await run.join(), await run.join(), await run.join()];
    await until(run, devices, 1);
    devices[1]?.kill();
    const left = devices.filter((_, i) => i !== 1);
    await until(run, left, 3);
    const late = await run.join();
    for (let second = 0; second < 200 && late.session.view().state !== 'computing'; second++) {
      await run.scheduler.advance(1_000);
    }
    expect(late.session.view()).toMatchObject({ state: 'computing' });
    const steps = Math.max(...left.flatMap((device) => [...device.steps.keys()])) + 3;
    await until(run, [...left, late], steps);
    for (const device of [...left, late]) expect(device.steps.get(steps - 1)).toEqual(oracle(steps));
    expect(late.session.view().blocks.some(({ isHere }) => isHere)).toBe(true);
  });
});
