import { describe, expect, it } from 'vitest';
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import { hashedGraph, hashedOracle } from '../../pipeline/testing/hashed-blocks.ts';
import { simulatedRules, simulatedSignature } from '../../pipeline/testing/simulated-pipeline.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { MemoryFiles } from '../testing/memory-files.ts';
import { type SessionDevice, SimulatedSessions } from '../testing/simulated-session.ts';
import { stateAfter } from './run-states.ts';
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

  it('says why a step cannot go on, comes in again, and computes the same bits', async () => {
    let isBroken = false;
    const run = new SimulatedSessions({
      graphOf(step) {
        if (step !== 2 || isBroken) return graph;
        isBroken = true;
        throw new Error('Nobody keeps block layers.1.');
      },
      hopMs: 20,
    });
    const only = await run.join();
    while (!isBroken) await run.scheduler.advance(1);
    expect(only.session.view().problems).toEqual([
      'The step could not go on here: Nobody keeps block layers.1. This device comes in again.',
    ]);
    await until(run, [only], 4);
    expect(only.steps.get(3)).toEqual(oracle(4));
    expect(only.session.view().problems).toEqual([]);
  });

  it('[P-154] keeps what only it has when it comes in again, so that the others do not wait for it', async () => {
    let isBroken = false;
    const run = new SimulatedSessions({
      graphOf(step) {
        // Whoever ends this step first has computed all its updates, and cannot go on with the next step.
        if (step !== 6 || isBroken) return graph;
        isBroken = true;
        throw new Error('Not now.');
      },
      hopMs: 20,
    });
    const room = 3 * 4 * 340;
    const devices = [await run.join(room), await run.join(room)];
    await until(run, devices, 5);
    const keepers = must(devices, 0)
      .session.view()
      .blocks.map((block) => block.keepers.length);
    expect(Math.min(...keepers)).toBe(1);
    while (!isBroken) await run.scheduler.advance(10);
    await until(run, devices, 9, 60);
    for (const { steps } of devices) expect(steps.get(8)).toEqual(oracle(9));
  });

  it('[P-202] tells the updates that a state follows from, where others computed them too', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 20 });
    const devices = [await run.join(2 * 4 * 340)];
    for (let n = 0; n < 3; n++) devices.push(await run.join(2 * 4 * 340));
    await until(run, devices, 3);
    for (const { steps, updates } of devices) {
      for (const step of [1, 2]) {
        const signed = must([...(updates.get(step) ?? [])], 0);
        expect(signed.step).toBe(step);
        expect(stateAfter({ rules: simulatedRules, graphOf }, step, updates.get(step) ?? [])).toEqual(
          steps.get(step),
        );
      }
    }
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

  it('[P-153] brings devices together that begin at different times with what each has by then', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 200, beginMs: 9_000 });
    const devices: SessionDevice[] = [];
    for (let n = 0; n < 4; n++) {
      devices.push(await run.join(3 * 4 * 500));
      await run.scheduler.advance(5_000);
    }
    await until(run, devices, 4);
    for (const { steps, session } of devices) {
      expect(steps.get(3)).toEqual(oracle(4));
      expect(session.view().refused).toBe(0);
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

  it('[P-149] computes with a version that was still being loaded when it began with another', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 150, loadMs: 400 });
    const devices = [await run.join(), await run.join()];
    await until(run, devices, 2);
    const late = await run.join();
    await run.scheduler.advance(60_000);
    const kept = late.session.view().blocks.filter(({ isHere }) => isHere);
    expect(kept.length).toBeGreaterThan(1);
    for (const { id, keepers } of kept) expect(keepers, id).toContain(late.member.device);
    expect(late.session.view().problems).toEqual([]);
  });

  it('[P-149] takes a device in that reads the frozen weights of a block for longer than a step', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 20, weightsMs: 4_000 });
    const devices = [await run.join(), await run.join()];
    await until(run, devices, 4);
    const late = await run.join();
    for (let second = 0; second < 40 && late.session.view().state !== 'computing'; second++) {
      await run.scheduler.advance(1_000);
    }
    expect(late.session.view()).toMatchObject({ state: 'computing', problems: [] });
    await run.scheduler.advance(30_000);
    expect(late.session.view()).toMatchObject({ state: 'computing', problems: [] });
    expect(late.session.view().blocks.filter(({ isHere }) => isHere).length).toBeGreaterThan(1);
    const last = Math.max(...late.steps.keys());
    expect(late.steps.get(last)).toEqual(oracle(last + 1));
    expect(last).toBeGreaterThan(10);
  });

  it('[P-149] begins with the model’s own files where the first step is not over', async () => {
    // A version of another device would take 15 s.
    const run = new SimulatedSessions({ graphOf, hopMs: 3_000, fileMs: 15_000 });
    const only = await run.join();
    await run.scheduler.advance(80_000);
    expect(only.session.view()).toMatchObject({ state: 'computing', step: 0 });
    const late = await run.join();
    await run.scheduler.advance(5_000);
    expect(late.session.view()).toMatchObject({ state: 'computing', step: 0 });
    await until(run, [only, late], 2);
    expect(late.steps.get(1)).toEqual(oracle(2));
  });

  it('[P-150] takes a device in while another computes steps faster than a version travels', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 4, fileMs: 1_500 });
    const only = await run.join();
    await until(run, [only], 5);
    const late = await run.join();
    for (let second = 0; second < 30 && late.session.view().state !== 'computing'; second++) {
      await run.scheduler.advance(1_000);
    }
    expect(late.session.view()).toMatchObject({ state: 'computing', problems: [] });
    await run.scheduler.advance(20_000);
    expect(late.session.view()).toMatchObject({ state: 'computing', problems: [] });
    const last = Math.max(...late.steps.keys());
    expect(late.steps.get(last)).toEqual(oracle(last + 1));
    expect(only.steps.get(last)).toEqual(oracle(last + 1));
  });

  it('[P-150] takes a device in while another computes steps faster than a message travels', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 2, messageMs: 100, loadMs: 20, fileMs: 20 });
    const only = await run.join();
    await until(run, [only], 20);
    const late = await run.join();
    while (late.session.view().state !== 'computing') await run.scheduler.advance(10);
    const begun = only.session.view().step;
    for (let times = 0; times < 1_000; times++) {
      await run.scheduler.advance(10);
      expect(late.session.view().state).toBe('computing');
    }
    const last = Math.max(...late.steps.keys());
    expect(last).toBeGreaterThan(begun + 5);
    for (let step = begun; step <= last; step++) expect(late.steps.has(step), `step ${step}`).toBe(true);
    expect(late.steps.get(last)).toEqual(oracle(last + 1));
  });

  /** What a device says that has signed a state of its own making, a thousand steps ahead. */
  function madeUp(device: DeviceAddress): PipelineMessage {
    const updates = graph.nodes
      .filter(({ index }) => graph.isForEveryKeeper(index))
      .map((node) => {
        const root = `0x${'ee'.repeat(32)}` as const;
        const slots = node.outputs.map((tensor) => ({ slot: graph.placeOf(tensor).slot, tensor, root }));
        const statement = {
          ...{ run: simulatedRules.run, step: 999, hop: node.index, version: root, inputs: root },
          ...{ outputs: slots, device },
        };
        return { ...statement, signature: simulatedSignature(statement) };
      });
    const keepers = [{ device, blocks: [...graph.state.keys()] }];
    return { kind: 'welcome', step: 1_000, paths: [], keepers, next: keepers, updates };
  }

  it('[P-155] believes no stranger’s welcome while a device that the chain knows computes', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 100 });
    await run.addAnswering(madeUp, false);
    const known = await run.join();
    await until(run, [known], 3);
    // It hears the stranger before it has asked the chain who is known.
    run.areRecordsRead = false;
    const newcomer = await run.join(2 ** 30, new MemoryFiles(), false);
    while (newcomer.session.view().step < 1_000) await run.scheduler.advance(100);
    run.areRecordsRead = true;
    await run.scheduler.advance(60_000);
    for (const { session, steps } of [known, newcomer]) {
      expect(session.view()).toMatchObject({ state: 'computing', problems: [] });
      const last = Math.max(...steps.keys());
      expect(last).toBeLessThan(500);
      expect(steps.get(last)).toEqual(oracle(last + 1));
    }
    expect(newcomer.steps.size).toBeGreaterThan(5);
  });

  it('[P-155] goes on from its own medium after a stranger’s welcome that led nowhere', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 800 });
    const first = await run.join(2 ** 30, new MemoryFiles(), false);
    await until(run, [first], 4);
    const reached = Math.max(...first.steps.keys());
    first.kill();
    await run.addAnswering(madeUp, false);
    const again = await run.join(2 ** 30, first.files, false);
    await run.scheduler.advance(100_000);
    expect(again.session.view()).toMatchObject({ state: 'joining', step: 1_000 });
    await until(run, [again], reached + 2, 400);
    expect(Math.min(...again.steps.keys())).toBeGreaterThan(1);
    expect(again.steps.get(reached + 1)).toEqual(oracle(reached + 2));
  });

  it('[P-155] follows a stranger’s welcome where nobody has a record, but not one that leads nowhere', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 100 });
    const first = await run.join(2 ** 30, new MemoryFiles(), false);
    await until(run, [first], 3);
    const second = await run.join(2 ** 30, new MemoryFiles(), false);
    await run.scheduler.advance(20_000);
    expect(second.session.view().state).toBe('computing');
    first.kill();
    second.kill();

    const later = new SimulatedSessions({ graphOf, hopMs: 100 });
    await later.addAnswering(madeUp, false);
    const newcomer = await later.join(2 ** 30, new MemoryFiles(), false);
    await later.scheduler.advance(100_000);
    expect(newcomer.session.view()).toMatchObject({ state: 'joining', step: 1_000 });
    await until(later, [newcomer], 3, 400);
    expect(newcomer.steps.get(2)).toEqual(oracle(3));
  });

  it('[P-154] goes on at once where a device that came in comes in again', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 300 });
    const devices = [await run.join(3 * 4 * 340)];
    for (let n = 0; n < 2; n++) devices.push(await run.join(3 * 4 * 340));
    await until(run, devices, 3);
    const newcomer = await run.join(3 * 4 * 340);
    while (newcomer.session.view().state !== 'computing') await run.scheduler.advance(100);
    const stopwatch = { longest: 0, begun: run.scheduler.now(), step: 0 };
    for (let again = 0; again < 2; again++) {
      newcomer.breakStep();
      const end = must(devices, 0).session.view().step + 4;
      while (must(devices, 0).session.view().step < end) {
        await run.scheduler.advance(200);
        const { step } = must(devices, 0).session.view();
        if (step > stopwatch.step) Object.assign(stopwatch, { step, begun: run.scheduler.now() });
        stopwatch.longest = Math.max(stopwatch.longest, run.scheduler.now() - stopwatch.begun);
      }
    }
    await until(run, [...devices, newcomer], must(devices, 0).session.view().step + 2);
    // A step takes 5.4 s where nobody comes in again.
    expect(stopwatch.longest).toBeLessThan(7_000);
  });

  it('[P-151] gives blocks up that others keep, so that no device keeps more than its share', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 100 });
    const devices = [await run.join()];
    await until(run, devices, 2);
    for (let n = 0; n < 7; n++) devices.push(await run.join());
    await run.scheduler.advance(60_000);
    const kept = devices.map(({ session }) => session.view().blocks.filter(({ isHere }) => isHere).length);
    expect(Math.max(...kept), `${kept}`).toBeLessThan(graph.state.size);
    const computing = devices.filter(({ steps }) => steps.size > 0);
    expect(computing.length).toBeGreaterThan(4);
    for (const { steps } of computing) {
      const last = Math.max(...steps.keys());
      expect(steps.get(last)).toEqual(oracle(last + 1));
    }
  });

  it('[P-152] goes on where all devices left at once, from what their media have', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 800 });
    const quota = 2 * 4 * 500;
    const before: SessionDevice[] = [];
    for (let n = 0; n < 4; n++) before.push(await run.join(quota));
    await until(run, before, 4);
    const reached = Math.max(...before.flatMap(({ steps }) => [...steps.keys()])) + 1;
    for (const device of before) device.kill();
    await run.scheduler.advance(5_000);

    // One that knows the run and has lost its blocks says what it waits for, until the others are there.
    const states = new MemoryFiles();
    for (const [name, bytes] of before[0]?.files.files ?? [])
      if (name.startsWith('run-state')) await states.write(name, [bytes]);
    const spectator = await run.join(quota, states);
    await run.scheduler.advance(20_000);
    expect(spectator.session.view().problems.join()).toContain('has embedding, layers.0, layers.1, layers.2');
    const after: SessionDevice[] = [];
    for (const { files } of before) after.push(await run.join(quota, files));
    await run.scheduler.advance(8_000);
    expect(spectator.session.view().problems).toEqual([]);
    await until(run, after, reached + 2);
    for (const { steps } of after) {
      expect(Math.min(...steps.keys())).toBeGreaterThanOrEqual(reached - 2);
      expect(steps.get(reached + 1)).toEqual(oracle(reached + 2));
    }
  });

  it('[P-152] waits for a device whose blocks nobody else has, and says so', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 800 });
    const quota = 2 * 4 * 500;
    const [first, second] = [await run.join(quota), await run.join(quota)];
    await until(run, [first, second], 4);
    for (const device of [first, second]) device.kill();
    await run.scheduler.advance(5_000);

    const back = await run.join(quota, first.files);
    const other = await run.join(quota);
    await run.scheduler.advance(60_000);
    expect(back.session.view()).toMatchObject({ state: 'gathering' });
    expect(back.session.view().step).toBeGreaterThan(2);
    expect(back.session.view().problems.join()).toMatch(/^Nobody that is here has .* after step \d+/);
    expect(back.steps.size + other.steps.size).toBe(0);

    const last = await run.join(quota, second.files);
    await until(run, [back, last], 7);
    expect(Math.min(...back.steps.keys())).toBeGreaterThan(1);
    expect(back.steps.get(6)).toEqual(oracle(7));
  });

  it('[P-156] leaves a step that stands still, as the only device that had a block is gone', async () => {
    const run = new SimulatedSessions({ graphOf, hopMs: 200 });
    const quota = 2 * 4 * 500;
    const [first, second] = [await run.join(quota), await run.join(quota)];
    await until(run, [first, second], 4);
    first.kill();
    const other = await run.join(quota);
    await run.scheduler.advance(200_000);
    expect(second.session.view()).toMatchObject({ state: 'computing' });
    expect(other.steps.size).toBe(0);
    await run.scheduler.advance(150_000);
    expect(second.session.view()).toMatchObject({ state: 'gathering' });
    expect(second.session.view().problems.join()).toMatch(/^Nobody that is here has .* after step \d+/);

    // What only the device that left had is waited for, and not for ever.
    for (let n = 0; n < 800 && other.steps.size < 2; n++) await run.scheduler.advance(1_000);
    expect(other.steps.get(1)).toEqual(oracle(2));
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
