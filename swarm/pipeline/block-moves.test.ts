/** How many blocks devices hold while others come and go, and the model is trained. */
import { describe, expect, it } from 'vitest';
import { hashedGraph, hashedOracle } from '../../pipeline/testing/hashed-blocks.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { philox4x32, uniformOf } from '../../protocol/philox.ts';
import type { BlockKeepers } from '../blocks/candidates.ts';
import { roomFor } from '../blocks/needed-versions.ts';
import { type SessionDevice, SimulatedSessions } from '../testing/simulated-session.ts';
import { BlockMoves, type Computing } from './block-moves.ts';

const path = [1, 2, 3, 4, 5];
const paths = [path, path, path, path];
const trained = hashedGraph({ layers: 5, paths });
const frozen = hashedGraph({ layers: 5, paths, frozen: ['embedding'] });
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

it.each([
  [1, 'trained', trained],
  [2, 'trained', trained],
  [3, 'trained', trained],
  [1, 'frozen', frozen],
  [2, 'frozen', frozen],
  [3, 'frozen', frozen],
] as const)(
  '[P-157] [B-17] holds one block above its room at most, and none in the end (seed %i, embedding %s)',
  async (seed, _, graph) => {
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
      devices.push(await run.join(ROOM * roomFor({ versionBytes: VERSION, frozenBytes: 0 })));
      await run.scheduler.advance(chance() * 4_000);
    }
    await goOnTo(10);
    const left = must(devices, Math.floor(chance() * 4));
    left.kill();
    devices.splice(devices.indexOf(left), 1);
    await goOnTo(12);
    devices.push(await run.join(ROOM * roomFor({ versionBytes: VERSION, frozenBytes: 0 })));
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

/** A device with room for two blocks, `a`, `b` and so on, among others that keep and update what is said. */
class Device {
  readonly me: DeviceAddress = `0x${'aa'.repeat(20)}`;
  readonly others: readonly DeviceAddress[] = [`0x${'01'.repeat(20)}`, `0x${'02'.repeat(20)}`];
  readonly held = new Map<string, number>();
  readonly asked: string[] = [];
  readonly released: string[] = [];
  readonly kept: string[] = [];
  readonly placed = new Map<string, BlockKeepers>();
  readonly updaters = new Map<string, Set<DeviceAddress>>();
  readonly awaited = new Set<string>();
  readonly moves: BlockMoves;
  step = 0;

  constructor() {
    const { held } = this;
    this.moves = new BlockMoves({
      device: this.me,
      blocks: ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, versionBytes: 100, frozenBytes: 0 })),
      store: { read: async () => undefined },
      quotaBytes: 2 * roomFor({ versionBytes: 100, frozenBytes: 0 }),
      placement: () => this.placed,
      held: {
        get ids() {
          return [...held.keys()];
        },
        loading: [],
        prepared: [],
        stepOf: (block) => held.get(block),
        drop: async (block) => void held.delete(block),
      },
      requests: { ask: (block) => void this.asked.push(block) },
      keep: async () => undefined,
    });
  }

  get live(): Computing {
    const { updaters, awaited, others, me } = this;
    return {
      member: {
        step: this.step,
        plan: { members: new Set([me, ...others]), keepers: () => others },
        updatersOf: (block) => updaters.get(block) ?? new Set(),
        canKeep: () => true,
        isAwaited: (block) => awaited.has(block),
      },
      keep: (blocks) => void this.kept.push(...blocks),
      release: (blocks) => void this.released.push(...blocks),
    };
  }

  /** `keepers` are to keep the block, and `updaters` computed its last update. */
  place(block: string, keepers: readonly DeviceAddress[], updaters: readonly DeviceAddress[]): void {
    this.placed.set(block, { keepers, spare: undefined, missing: 0 });
    this.updaters.set(block, new Set(updaters));
  }

  holds(...blocks: readonly string[]): void {
    for (const block of blocks) this.held.set(block, this.step);
  }

  begin(): void {
    this.step++;
    this.moves.begin(this.live, this.step);
  }
}

describe('blocks on the move', () => {
  it('[P-157] takes in first what the fewest compute, and then what another one can give up', async () => {
    const device = new Device();
    const { me, others } = device;
    const [one = me, two = me] = others;
    device.place('a', [me, one], [one, two]);
    device.place('b', [me, one], [one]);
    device.place('c', [me, two], [one]);
    await device.moves.advance(device.live, 0);
    expect(device.asked).toEqual(['c', 'b', 'a']);
    device.holds('d', 'e');
    device.asked.length = 0;
    await device.moves.advance(device.live, 0);
    expect(device.asked).toEqual(['c']);
    device.holds('c');
    device.asked.length = 0;
    await device.moves.advance(device.live, 0);
    expect(device.asked).toEqual([]);
  });

  it('[P-157] gives a block up to one of its keepers where it has no room, and to all of them where it has', () => {
    for (const isFull of [false, true]) {
      const device = new Device();
      const { me, others } = device;
      const [one = me] = others;
      device.place('a', others, [one, me]);
      device.place('b', [me], [me]);
      device.place('c', [me], [one]);
      device.holds('a', 'b', ...(isFull ? ['d'] : []));
      device.begin();
      expect(device.released).toEqual(isFull ? ['a'] : []);
      device.place('a', others, others);
      device.begin();
      expect(device.released).toEqual(['a']);
    }
  });

  it('[P-157] gives up no more blocks to one keeper than it lacks room for', () => {
    const device = new Device();
    const { me, others } = device;
    const [one = me] = others;
    for (const block of ['a', 'b', 'c']) device.place(block, others, [one, me]);
    device.place('d', [me], [one]);
    device.holds('a', 'b', 'c');
    for (let steps = 0; steps < 2; steps++) {
      device.begin();
      expect(device.released).toEqual(['a']);
    }
  });

  it('[P-157] holds one block more after four steps without a move, while it lacks one', () => {
    const device = new Device();
    const { me, others } = device;
    device.place('d', [me], others);
    device.holds('a', 'b', 'c');
    for (let steps = 0; steps < 5; steps++) {
      expect(device.moves.hasRoom(device.live, 'd')).toBe(false);
      device.begin();
    }
    expect(device.moves.hasRoom(device.live, 'd')).toBe(true);
    expect(device.moves.hasRoom(device.live, 'e')).toBe(true);
    device.holds('d');
    device.begin();
    expect(device.moves.hasRoom(device.live, 'e')).toBe(false);
    for (let steps = 0; steps < 9; steps++) device.begin();
    expect(device.moves.hasRoom(device.live, 'e')).toBe(false);
  });

  it('[P-157] takes in whatever the step stands still for', async () => {
    const device = new Device();
    device.place('d', [device.me], []);
    device.place('e', [device.me], []);
    device.holds('a', 'b', 'c');
    device.awaited.add('e');
    await device.moves.advance(device.live, 14_999);
    expect(device.asked).toEqual([]);
    await device.moves.advance(device.live, 15_000);
    expect(device.moves.hasRoom(device.live, 'd')).toBe(false);
    expect(device.asked).toEqual(['e']);
    device.begin();
    expect(device.moves.hasRoom(device.live, 'e')).toBe(false);
  });

  it('[P-151] computes again what it gave up where the step stands still for it', async () => {
    const device = new Device();
    device.place('a', device.others, device.others);
    device.holds('a');
    device.begin();
    expect(device.released).toEqual(['a']);
    device.step++;
    device.awaited.add('a');
    await device.moves.advance(device.live, 14_999);
    expect(device.kept).toEqual([]);
    await device.moves.advance(device.live, 15_000);
    expect(device.kept).toEqual(['a']);
  });
});
