/** How many blocks devices hold while others come and go, and the model is trained. */
import { expect, it } from 'vitest';
import { hashedGraph, hashedOracle } from '../../pipeline/testing/hashed-blocks.ts';
import { must } from '../../protocol/must.ts';
import { philox4x32, uniformOf } from '../../protocol/philox.ts';
import { roomFor } from '../blocks/needed-versions.ts';
import { type SessionDevice, SimulatedSessions } from '../testing/simulated-session.ts';

const path = [1, 2, 3, 4, 5];
const graph = hashedGraph({ layers: 5, paths: [path, path, path, path] });
/** Storage for three blocks of six, so that four devices have two copies of each. */
const ROOM = 3;
/** Bytes of one version: a head, and three tensors. */
const VERSION = 128 + 3 * 64;
/** Steps take longer than the 15 s after which a block is taken back where the step stands still. */
const HOP_MS = 900;
/** Steps whose bits are compared. */
const STEPS = 5;

const heldBy = ({ session }: SessionDevice) => session.view().blocks.filter(({ isHere }) => isHere);
const newestOf = ({ steps }: SessionDevice): number => Math.max(-1, ...steps.keys());

it.each([1, 2, 3])(
  '[P-157] holds one block more than there is room for at most, and no more than that in the end (seed %i)',
  async (seed) => {
    let draws = 0;
    const chance = () => uniformOf(philox4x32([draws++, 0, 0, 0], [seed, 11])[0]);
    const run = new SimulatedSessions({
      ...{ graphOf: () => graph, hopMs: HOP_MS, messageMs: 50, roundTripMs: 600, fileMs: 200, loadMs: 200 },
      gossipMs: () => 20 + chance() * 2_000,
    });
    const devices: SessionDevice[] = [];
    let most = 0;
    const goOnTo = async (step: number) => {
      for (let second = 0; second < 900 && devices.some((each) => newestOf(each) < step); second++) {
        await run.scheduler.advance(1_000);
        most = Math.max(most, ...devices.map((each) => heldBy(each).length));
      }
      const views = devices.map(({ session }) => session.view());
      expect(
        devices.every((each) => newestOf(each) >= step),
        JSON.stringify(views),
      ).toBe(true);
    };
    for (let n = 0; n < 4; n++) {
      devices.push(await run.join(ROOM * roomFor(VERSION)));
      await run.scheduler.advance(chance() * 4_000);
    }
    await goOnTo(10);
    const left = must(devices, Math.floor(chance() * 4));
    left.kill();
    devices.splice(devices.indexOf(left), 1);
    await goOnTo(12);
    devices.push(await run.join(ROOM * roomFor(VERSION)));
    await goOnTo(28);

    expect(most).toBeLessThanOrEqual(ROOM + 1);
    for (const device of devices) expect(heldBy(device).length).toBeLessThanOrEqual(ROOM);
    const [first] = devices;
    const copies = must(devices, 0)
      .session.view()
      .blocks.map(({ keepers }) => keepers.length);
    expect(Math.min(...copies)).toBe(2);
    expect(first?.session.view().refused).toBe(0);
    const bits = hashedOracle(Array.from({ length: STEPS }, () => graph));
    for (const { steps } of devices) expect(steps.get(STEPS - 1) ?? bits).toEqual(bits);
    for (const device of devices) device.kill();
  },
);
