import type { DeviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { accountOf } from '../../protocol/standing.ts';
import { BoundedMap } from '../bounded-map.ts';
import { libp2pContentTransport } from '../content/transport.ts';
import type { SwarmConnection } from '../join.ts';
import { gossipAnnouncements } from './announcements.ts';
import { BlockKeeper, type BlockKeeperOptions } from './block-keeper.ts';
import { latencyClassOf } from './keepers.ts';
import { blockMembers, prefixesOf } from './members.ts';

export interface KeepBlocksOptions
  extends Pick<BlockKeeperOptions, 'blocks' | 'store' | 'record' | 'rootOf' | 'role'> {
  /** The network that this device is in. Its content has to serve `store.content` (`LayeredContent`). */
  readonly swarm: Pick<
    SwarmConnection,
    'networkId' | 'scheduler' | 'node' | 'gossip' | 'presence' | 'standings'
  >;
  readonly key: DeviceKey;
  /** The current round by chain time. */
  readonly round: () => number;
  /** As in the network file. */
  readonly local: boolean;
}

/** Devices whose coming is remembered. */
const MAX_DEVICES = 1024;

/** Keeps this device's share of the blocks of the network's model, until `stop` is called. */
export function keepBlocks(options: KeepBlocksOptions): BlockKeeper {
  const { swarm, key, round, local, ...rest } = options;
  const { networkId, scheduler, node, gossip, presence, standings } = swarm;
  const standing = standings.now(key.address);
  const keeper = BlockKeeper.start({
    ...rest,
    run: networkId,
    scheduler,
    self: {
      device: key.address,
      peerId: node.peerId,
      account: accountOf(key.address, standing),
      prefixes: local ? [] : prefixesOf(node.addresses()),
      hasRecord: standing.kind !== 'unknown',
    },
    announcements: gossipAnnouncements(gossip, round),
    transport: libp2pContentTransport(node.libp2p),
    members: () => blockMembers({ presence, standings, local }),
    latencyClass: () => latencyClassOf(medianLatency(node.view().peers.map(({ latency }) => latency))),
  });
  // What was announced before two devices were connected went to nobody.
  const greeted = new BoundedMap<DeviceAddress, true>(MAX_DEVICES);
  const off = presence.onMember(({ device }) => {
    if (!greeted.has(device)) keeper.greet();
    greeted.set(device, true);
  });
  keeper.onStop(off);
  return keeper;
}

/** The median of the measured ones in milliseconds. Infinite when nothing was measured yet. */
function medianLatency(latencies: readonly (number | null)[]): number {
  const measured = latencies.filter((latency) => latency !== null).sort((a, b) => a - b);
  return measured[Math.floor(measured.length / 2)] ?? Number.POSITIVE_INFINITY;
}
