import { describe, expect, it } from 'vitest';
import { must } from '../../protocol/must.ts';
import {
  BYTES_PER_MS,
  contentOf,
  rootOf,
  SimulatedBlocks,
  type SimulatedDevice,
} from '../testing/simulated-blocks.ts';

const MB = 1_000_000;
const HEAD = [{ id: 'head', versionBytes: 300_000 }];
const PLACE = { block: 'head', step: 0 };

/** A run with this many devices, whose keepers hold the first version. */
async function running(count: number, blocks = HEAD, seed = 1) {
  const world = new SimulatedBlocks({ blocks, seed });
  const devices: SimulatedDevice[] = [];
  for (let n = 0; n < count; n++) devices.push(await world.join(world.newDisk()));
  await world.startRun(must(devices, 0));
  await world.scheduler.advance(60_000);
  return { world, devices };
}

const holders = (world: SimulatedBlocks, step = 0) =>
  [...world.there.values()].filter(({ store }) => store.get({ block: 'head', step }) !== undefined);

/** The keepers of the head, best first, as the first device that is there sees them. */
function keepersOfHead(world: SimulatedBlocks): readonly SimulatedDevice[] {
  const { keepers = [] } =
    must([...world.there.values()], 0)
      .keeper.placement()
      .get('head') ?? {};
  return keepers.flatMap((device) => world.there.get(device) ?? []);
}

function spareOfHead(world: SimulatedBlocks): SimulatedDevice {
  const spare = must(keepersOfHead(world), 0).keeper.placement().get('head')?.spare;
  const device = world.there.get(spare ?? '0x');
  if (device === undefined) throw new Error('There is a spare.');
  return device;
}

describe('BlockKeeper', () => {
  it('[P-162] every device sees the same keepers, and these hold the block', async () => {
    const { world, devices } = await running(6);
    const [one, ...rest] = devices.map(({ keeper }) => keeper.placement().get('head'));
    for (const other of rest) expect(other).toEqual(one);
    const kept = holders(world).map(({ disk }) => disk.member.device);
    expect(kept.toSorted()).toEqual([...(one?.keepers ?? [])].toSorted());
  });

  it('[P-162] [P-168] replaces a keeper that is gone by the spare, which fetches from the living', async () => {
    const { world } = await running(6);
    const [first, second, third] = keepersOfHead(world);
    const spare = spareOfHead(world);
    expect(spare.store.get(PLACE)).toBeUndefined();
    await first?.leave();
    await world.scheduler.advance(40_000);
    expect(keepersOfHead(world)).toEqual([second, third, spare]);
    expect(spare.store.get(PLACE)).toEqual(second?.store.get(PLACE));
    expect(spare.keeper.counts()).toMatchObject({ fetched: 1, computed: 0, falseAcknowledgements: 0 });
  });

  it('[P-166] a newcomer has a block of 13 MB within 5 s at 40 Mbit/s', async () => {
    const blocks = [{ id: 'head', versionBytes: 13 * MB }];
    const { world } = await running(3, blocks);
    expect(BYTES_PER_MS * 8 * 1000).toBe(40 * MB);
    await must(keepersOfHead(world), 0).leave();
    await world.scheduler.advance(60_000);
    const from = world.scheduler.now();
    const newcomer = await world.join(world.newDisk());
    await world.scheduler.advance(5_000);
    expect(newcomer.store.get(PLACE)).toMatchObject({ size: 13 * MB, root: world.record.confirmed[0]?.root });
    expect(newcomer.announced.last?.held).toHaveLength(1);
    expect(world.scheduler.now() - from).toBe(5_000);
  });

  it('[P-166] a device that comes back with its disk fetches nothing that it has', async () => {
    const { world } = await running(5);
    const back = must(keepersOfHead(world), 0);
    await back.leave();
    await world.scheduler.advance(60_000);
    const again = await world.join(back.disk);
    await world.scheduler.advance(5_000);
    expect(again.store.get(PLACE)).toBeDefined();
    expect(again.announced.last?.held).toHaveLength(1);
    expect(again.keeper.counts().fetched).toBe(0);
    expect(world.fetches.filter(({ hadIt }) => hadIt)).toEqual([]);
  });

  it('[P-166] a fetch that was cut short goes on with the chunks that it has', async () => {
    const blocks = [{ id: 'head', versionBytes: 13 * MB }];
    const { world } = await running(2, blocks);
    const disk = world.newDisk();
    const first = await world.join(disk);
    await world.scheduler.advance(2_500);
    await first.leave();
    const held = disk.files.files.size - 1;
    expect(held).toBeGreaterThan(5);
    expect(held).toBeLessThan(45);
    await world.scheduler.advance(60_000);
    const written = disk.files.written;
    const again = await world.join(disk);
    await world.scheduler.advance(10_000);
    expect(again.store.get(PLACE)).toBeDefined();
    // All but what was there, and the record.
    expect(disk.files.written - written).toBeLessThan(13 * MB - (held - 1) * 262_144 + 1000);
  });

  it('[P-166] computes or fetches a version, never both', async () => {
    const { world } = await running(5);
    const [fast, slow, idle] = keepersOfHead(world).map(({ keeper, store }) => ({ keeper, store }));
    if (fast === undefined || slow === undefined || idle === undefined) throw new Error('There are three.');
    const next = { block: 'head', step: 1 };
    const bytes = contentOf('head', 1, must(HEAD, 0).versionBytes);
    const root = rootOf('head', 1, bytes);
    const computation = fast.keeper.begin(next);
    const slowly = slow.keeper.begin(next);
    expect(fast.keeper.begin(next)).toBeUndefined();
    await computation?.store(root, bytes);
    expect(fast.keeper.begin(next)).toBeUndefined();
    world.confirm(1);
    await world.scheduler.advance(20_000);
    // The third fetched it, so it does not compute. The second is still at it, so it does not fetch.
    expect(idle.keeper.begin(next)).toBeUndefined();
    expect(idle.keeper.counts()).toMatchObject({ computed: 0, fetched: 2 - (idle === fast ? 1 : 0) });
    expect(slow.store.get(next)).toBeUndefined();
    slowly?.abandon();
    await world.scheduler.advance(20_000);
    expect(slow.store.get(next)?.root).toBe(root);
    expect(fast.keeper.counts()).toMatchObject({ computed: 1 });
    expect(slow.keeper.counts().computed).toBe(0);
  });

  it('[P-166] a computation that never ends stands in the way for ten minutes at most', async () => {
    const { world } = await running(5);
    const [fast, stuck] = keepersOfHead(world);
    const bytes = contentOf('head', 1, must(HEAD, 0).versionBytes);
    stuck?.keeper.begin({ block: 'head', step: 1 });
    await fast?.keeper.begin({ block: 'head', step: 1 })?.store(rootOf('head', 1, bytes), bytes);
    world.confirm(1);
    await world.scheduler.advance(590_000);
    expect(stuck?.store.get({ block: 'head', step: 1 })).toBeUndefined();
    await world.scheduler.advance(30_000);
    expect(stuck?.store.get({ block: 'head', step: 1 })).toBeDefined();
  });

  it('[P-165] keeps the last two versions and the first of a claim, and deletes all others', async () => {
    const { world } = await running(5);
    world.record.claims = [1];
    for (let step = 1; step <= 5; step++) {
      await world.step(10_000);
      await world.scheduler.advance(30_000);
    }
    for (const { store } of keepersOfHead(world)) {
      expect(store.versions().map(({ step }) => step)).toEqual([1, 4, 5]);
    }
    world.record.claims = [];
    await world.scheduler.advance(30_000);
    for (const { store, disk } of keepersOfHead(world)) {
      expect(store.versions().map(({ step }) => step)).toEqual([4, 5]);
      expect([...disk.files.files.keys()].filter((name) => name.endsWith('.manifest'))).toHaveLength(2);
    }
  });

  it('[P-165] lets go of a block only when its three keepers have it', async () => {
    const { world } = await running(3);
    const before = keepersOfHead(world);
    for (let n = 0; n < 5; n++) await world.join(world.newDisk());
    const after = () => keepersOfHead(world);
    const replaced = before.filter((device) => !after().includes(device));
    await world.scheduler.advance(1_500);
    expect(holders(world).length).toBeGreaterThanOrEqual(3);
    await world.scheduler.advance(60_000);
    expect(before.filter((device) => !after().includes(device)).length).toBeGreaterThan(0);
    expect(replaced.length).toBeLessThanOrEqual(3);
    for (const device of after()) expect(device.store.get(PLACE)).toBeDefined();
    const extra = holders(world).filter((device) => !after().includes(device));
    // A spare that has the block already may keep it.
    for (const device of extra) expect(device).toBe(spareOfHead(world));
  });

  it('[P-167] finds, counts and replaces a keeper that acknowledges and does not have', async () => {
    const { world } = await running(6);
    const victim = must(keepersOfHead(world), 1);
    const version = victim.store.get(PLACE);
    if (version === undefined) throw new Error('A keeper holds it.');
    const { block, step, root, version: cid } = version;
    await victim.leave();
    // The same device without its bytes says that it still has them.
    victim.disk.files.files.clear();
    const held = [{ block, step, root, version: cid }];
    const liar = await world.join(victim.disk, {
      role: 'guest',
      announcements: (own) => ({
        listen: own.listen,
        publish: (body) => own.publish({ ...body, role: 'keeper', held }),
      }),
    });
    await world.scheduler.advance(30 * 60_000);
    const honest = [...world.there.values()].filter((device) => device !== liar);
    const foundIt = honest.filter(({ keeper }) => keeper.counts().falseAcknowledgements > 0);
    // Two keepers and the spare ask for chunks. Each finds out by itself, and the spare steps in.
    expect(foundIt).toHaveLength(3);
    for (const { keeper } of foundIt) {
      expect(keeper.counts().falseAcknowledgements).toBe(1);
      expect(keeper.placement().get('head')?.keepers).not.toContain(liar.disk.member.device);
    }
    expect(holders(world).filter((device) => device !== liar)).toHaveLength(3);
  });

  it('[P-167] does not accuse a device that left, or that let a version go', async () => {
    const { world } = await running(6);
    for (let step = 1; step <= 30; step++) {
      await world.step(10_000);
      await world.scheduler.advance(50_000);
      if (step % 10 !== 0) continue;
      const gone = must(keepersOfHead(world), 0);
      await gone.leave();
      await world.scheduler.advance(20_000);
      await world.join(gone.disk);
    }
    for (const { keeper } of world.there.values()) expect(keeper.counts().falseAcknowledgements).toBe(0);
  });

  it('[P-163] refuses content that is not what the run confirmed, and fetches the right one', async () => {
    const world = new SimulatedBlocks({ blocks: HEAD, seed: 1 });
    const first = await world.join(world.newDisk());
    await world.startRun(first);
    // Says the confirmed root of bytes that do not give it, and serves them faithfully.
    const forger = await world.join(world.newDisk(), { role: 'guest' });
    const forged = contentOf('head', 99, must(HEAD, 0).versionBytes);
    await forger.store.put({ ...PLACE, root: must(world.record.confirmed, 0).root }, forged);
    await first.leave();
    await world.scheduler.advance(31_000);
    const victim = await world.join(world.newDisk());
    await world.scheduler.advance(60_000);
    expect(victim.keeper.counts()).toEqual({
      fetched: 0,
      computed: 0,
      refusedContents: 1,
      falseAcknowledgements: 1,
    });
    expect(victim.store.versions()).toEqual([]);
    expect(victim.store.content.usedBytes).toBe(0);
    expect(victim.keeper.repairs()).toMatchObject([{ kind: 'lost' }]);
    await world.join(first.disk);
    await world.scheduler.advance(60_000);
    expect(victim.store.get(PLACE)?.version).not.toBe(forger.store.get(PLACE)?.version);
    expect(victim.store.get(PLACE)).toBeDefined();
  });

  it('[P-163] refuses a file that is larger than a version of the block, before its first chunk', async () => {
    const world = new SimulatedBlocks({ blocks: HEAD, seed: 1 });
    const forger = await world.join(world.newDisk(), { role: 'guest' });
    const root = rootOf('head', 0, contentOf('head', 0, must(HEAD, 0).versionBytes));
    await forger.store.put({ ...PLACE, root }, contentOf('head', 7, 2 * MB));
    const victim = await world.join(world.newDisk());
    world.confirm(0);
    await world.scheduler.advance(60_000);
    expect(victim.keeper.counts()).toMatchObject({ refusedContents: 1, fetched: 0 });
    expect(victim.disk.files.written).toBe(0);
  });

  it('[P-164] a device without room says so in words, and another keeper is chosen', async () => {
    const world = new SimulatedBlocks({ blocks: HEAD, seed: 1 });
    const devices: SimulatedDevice[] = [];
    for (let n = 0; n < 6; n++) devices.push(await world.join(world.newDisk()));
    const full = must(keepersOfHead(world), 0);
    // The quota is a wish; the disk itself has less.
    full.disk.files.capacity = 100_000;
    await world.startRun(
      must(
        devices.filter((device) => device !== full),
        0,
      ),
    );
    await world.scheduler.advance(60_000);
    expect(full.announced.last).toMatchObject({ held: [], refused: [{ block: 'head', reason: 'full' }] });
    expect(full.keeper.problems()).toEqual([
      expect.stringMatching(/^Block head is not kept here\. This device has 0 MB left for blocks, and/),
    ]);
    expect(keepersOfHead(world)).not.toContain(full);
    expect(holders(world).filter((device) => device !== must(devices, 0)).length).toBeGreaterThanOrEqual(2);
    for (const device of keepersOfHead(world)) expect(device.store.get(PLACE)).toBeDefined();
    // It tries again half a minute later, and has room by then.
    full.disk.files.capacity = Number.POSITIVE_INFINITY;
    await world.scheduler.advance(60_000);
    expect(full.keeper.problems()).toEqual([]);
    expect(keepersOfHead(world)).toContain(full);
    expect(full.store.get(PLACE)).toBeDefined();
  });

  it('[P-164] a device whose quota is too small is not chosen, and never gets over its quota', async () => {
    const blocks = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({ id, versionBytes: 100_000 }));
    const world = new SimulatedBlocks({ blocks, seed: 1 });
    const devices: SimulatedDevice[] = [];
    for (let n = 0; n < 8; n++) devices.push(await world.join(world.newDisk(400_000 * (1 + (n % 4)))));
    await world.startRun(must(devices, 7));
    for (let step = 1; step < 5; step++) {
      await world.scheduler.advance(30_000);
      await world.step(10_000);
    }
    await world.scheduler.advance(60_000);
    for (const { store, disk } of devices) {
      expect(store.content.usedBytes).toBeLessThanOrEqual(disk.quotaBytes);
    }
    // 18 places are needed and 20 are there.
    const replicas = world.replicas();
    expect(replicas).toHaveLength(12);
    expect(Math.min(...replicas.map(({ count }) => count))).toBeGreaterThanOrEqual(2);
  });

  it('[P-161] announces within a second of a change, every 30 s, and to newcomers', async () => {
    const world = new SimulatedBlocks({ blocks: HEAD, seed: 1 });
    const times: number[] = [];
    const first = await world.join(world.newDisk(), {
      announcements: (own) => ({
        listen: own.listen,
        publish: (body) => {
          times.push(world.scheduler.now());
          return own.publish(body);
        },
      }),
    });
    await world.scheduler.advance(65_000);
    expect(times).toEqual([0, 30_000, 60_000]);
    await world.startRun(first);
    await world.scheduler.advance(2_000);
    expect(times.length).toBe(4);
    expect(must(times, 3) - 65_000).toBeLessThanOrEqual(1_000);
    // Many newcomers bring about one answer in ten seconds, and so does one that starts again at once.
    await world.scheduler.advance(10_000);
    for (let n = 0; n < 5; n++) await world.join(world.newDisk());
    await world.scheduler.advance(5_000);
    expect(times).toHaveLength(5);
    expect(must(times, 4) - 77_000).toBeLessThanOrEqual(1_100);
    await world.scheduler.advance(10_000);
    const second = must([...world.there.values()], 1);
    await second.leave();
    await world.join(second.disk);
    await world.scheduler.advance(1_200);
    expect(times).toHaveLength(6);
    // An answer brings about no other answers.
    await world.scheduler.advance(90_000);
    expect(times).toHaveLength(9);
  });

  it('[P-162] a guest keeps nothing, and one that leaves gives its blocks away first', async () => {
    const { world } = await running(4);
    const guest = await world.join(world.newDisk(), { role: 'guest' });
    const leaving = must(keepersOfHead(world), 0);
    leaving.keeper.retire();
    await world.scheduler.advance(20_000);
    expect(guest.store.versions()).toEqual([]);
    expect(keepersOfHead(world)).not.toContain(leaving);
    expect(keepersOfHead(world)).toHaveLength(3);
    for (const device of keepersOfHead(world)) expect(device.store.get(PLACE)).toBeDefined();
    expect(leaving.keeper.begin({ block: 'head', step: 1 })).toBeUndefined();
  });

  it('[P-168] asks for a replay where nobody holds a version, and reports a loss only after that', async () => {
    const blocks = ['embedding', 'head'].map((id) => ({ id, versionBytes: 50_000 }));
    const { world, devices } = await running(4, blocks);
    await world.step(10_000);
    await world.scheduler.advance(30_000);
    const watcher = must(devices, 0).keeper;
    expect(new Set(watcher.repairs().map(({ kind }) => kind))).toEqual(new Set(['exact']));
    for (const { store } of world.there.values()) await store.remove({ block: 'head', step: 1 });
    await world.scheduler.advance(8_000);
    const newest = () => watcher.repairs().filter(({ version }) => version.step === 1);
    expect(newest()).toMatchObject([{ kind: 'exact' }, { kind: 'replay', fromStep: 0 }]);
    for (const { store } of world.there.values()) await store.remove({ block: 'embedding', step: 0 });
    await world.scheduler.advance(8_000);
    const [exact, lost] = newest();
    expect(exact).toMatchObject({ kind: 'exact', version: { block: 'embedding' } });
    expect(lost).toMatchObject({ kind: 'lost', version: { block: 'head' } });
    expect(lost?.kind === 'lost' ? lost.remedy : '').toContain('CheckFree from embedding');
  });
});
