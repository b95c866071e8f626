import { UNTESTED } from '../../protocol/conformance-report.ts';
import '../node20.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import { startContent } from '../content/service.ts';
import { MemoryStore } from '../content/store.ts';
import { libp2pContentTransport } from '../content/transport.ts';
import { startGossip } from '../gossip.ts';
import { topicsOf } from '../network-id.ts';
import { createSwarmNode } from '../node.ts';
import { nodeTransports } from '../node-transports.ts';
import { startPresence } from '../presence.ts';
import { systemScheduler } from '../scheduler.ts';
import { describeContentStoreContract } from '../testing/content-store-contract.ts';
import { MemoryFiles } from '../testing/memory-files.ts';
import { contentOf, rootOf } from '../testing/simulated-blocks.ts';
import { BlockStore } from './block-store.ts';
import { keepBlocks } from './keep-blocks.ts';
import { LayeredContent } from './layered-content.ts';
import { blockMembers, prefixesOf } from './members.ts';

const networkId = 'keep-blocks-test:1';
const QUOTA = 64 * 1024 * 1024;
const SIZE = 700_000;

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A process in the network that keeps blocks. */
async function startDevice(key: DeviceKey) {
  const store = await BlockStore.open({ files: new MemoryFiles(), quotaBytes: QUOTA });
  const scheduler = systemScheduler;
  const node = await createSwarmNode({
    privateKey: key.secret,
    relays: [],
    topics: Object.values(topicsOf(networkId)),
    loopback: true,
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
  closing.push(() => node.stop());
  const round = () => 1;
  const gossip = startGossip({ pubsub: node.pubsub, networkId, key, scheduler, round });
  const presence = startPresence({
    gossip,
    node,
    publicKey: key.publicKey,
    describe: () => ({ delegation: null, engine: 'none', conformance: UNTESTED }),
    round,
    scheduler,
    relays: false,
  });
  const served = new LayeredContent({ blocks: store.content, rest: new MemoryStore() });
  const transport = libp2pContentTransport(node.libp2p);
  const content = await startContent({ store: served, transport, scheduler });
  closing.push(
    () => gossip.stop(),
    () => presence.stop(),
    () => content.stop(),
  );
  const bytes = contentOf('head', 0, SIZE);
  const root = rootOf('head', 0, bytes);
  const start = () => {
    const keeper = keepBlocks({
      swarm: {
        networkId,
        scheduler,
        node,
        gossip,
        presence,
        standings: { now: () => UNKNOWN, of: async () => UNKNOWN },
      },
      key,
      round,
      local: true,
      blocks: [{ id: 'head', versionBytes: SIZE }],
      store,
      record: () => ({ confirmed: [{ block: 'head', step: 0, root }], claims: [] }),
      rootOf: async ({ block, step }, file) => rootOf(block, step, file),
    });
    closing.push(() => keeper.stop());
    return keeper;
  };
  return { node, store, start, first: () => store.put({ block: 'head', step: 0, root }, bytes) };
}

describe('keepBlocks', () => {
  it('[P-160] [P-162] a newcomer fetches its block from the device that announces it, over libp2p', async () => {
    const keys = [1, 2].map((n) => deviceKey(new Uint8Array(32).fill(n)));
    const has = await startDevice(must(keys, 0));
    await has.first();
    const first = has.start();
    const lacks = await startDevice(must(keys, 1));
    const second = lacks.start();
    await lacks.node.libp2p.dial(has.node.libp2p.getMultiaddrs());
    await vi.waitFor(() => expect(lacks.store.versions()).toEqual(has.store.versions()), {
      timeout: 60_000,
      interval: 50,
    });
    expect(second.counts()).toMatchObject({ fetched: 1, falseAcknowledgements: 0 });
    await vi.waitFor(() => expect(first.placement()).toEqual(second.placement()), { timeout: 60_000 });
    const { keepers, missing } = first.placement().get('head') ?? {};
    expect([...(keepers ?? [])].sort()).toEqual(keys.map(({ address }) => address).sort());
    expect(missing).toBe(1);
  });
});

describe('blockMembers', () => {
  const member = (device: DeviceAddress, addresses: readonly string[]) => ({
    device,
    peerId: `peer of ${device}`,
    addresses,
    delegation: null,
    engine: 'none',
    conformance: UNTESTED,
    lastSeen: 0,
  });
  const members = [member('0x01', ['/ip4/8.8.8.8/tcp/1']), member('0x02', []), member('0x03', [])];
  const standings = {
    now: (device: DeviceAddress) =>
      device === '0x01'
        ? ({ kind: 'bound', owner: '0xAA' } as const)
        : device === '0x02'
          ? ({ kind: 'known' } as const)
          : UNKNOWN,
  };

  it('[P-162] counts a device for its owner, and says whether the chain knows it', () => {
    const found = blockMembers({ presence: { members: () => members }, standings, local: false });
    expect(found).toEqual([
      { device: '0x01', peerId: 'peer of 0x01', account: '0xaa', prefixes: ['4:8.8.8'], hasRecord: true },
      { device: '0x02', peerId: 'peer of 0x02', account: '0x02', prefixes: [], hasRecord: true },
      { device: '0x03', peerId: 'peer of 0x03', account: '0x03', prefixes: [], hasRecord: false },
    ]);
    const local = blockMembers({ presence: { members: () => members }, standings, local: true });
    expect(local.map(({ prefixes }) => prefixes)).toEqual([[], [], []]);
  });

  it('[P-162] takes the prefixes of public addresses of the device itself', () => {
    expect(
      prefixesOf([
        '/ip4/8.8.8.8/tcp/1',
        '/ip4/8.8.8.9/udp/1/webrtc-direct',
        '/ip6/2a00:1450:4001::1/tcp/1',
        '/ip4/192.168.1.2/tcp/1',
        '/ip4/127.0.0.1/tcp/1',
        '/ip4/9.9.9.9/tcp/1/ws/p2p/16Uiu2HAm5bEXzWC7yQZcY9tYGRZ4ycBqXKvEgHRuHiMVjfkMjwQx/p2p-circuit/webrtc',
        'nonsense',
      ]),
    ).toEqual(['4:8.8.8', '6:42.0.20.80.64.1']);
  });
});

describeContentStoreContract('LayeredContent', async () => ({
  store: new LayeredContent({ blocks: new MemoryStore(), rest: new MemoryStore() }),
  stop: async () => {},
}));
