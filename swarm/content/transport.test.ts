import '../node20.ts';
import { randomBytes } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createSwarmNode, type SwarmNode } from '../node.ts';
import { nodeTransports } from '../node-transports.ts';
import { startRelay } from '../relay/relay.ts';
import { describeContentTransportContract } from '../testing/content-transport-contract.ts';
import { type Channel, libp2pContentTransport } from './transport.ts';

const SOON = { timeout: 60_000, interval: 20 };

/** A node that others of this machine can dial unless it is behind a relay. */
function startNode(relays: readonly string[] = []): Promise<SwarmNode> {
  return createSwarmNode({
    privateKey: randomBytes(32),
    relays,
    topics: [],
    loopback: true,
    transports: nodeTransports(),
    listen: relays.length === 0 ? ['/ip4/127.0.0.1/tcp/0'] : [],
    degree: 0,
  });
}

describeContentTransportContract('libp2pContentTransport', async () => {
  const [client, server] = [await startNode(), await startNode()];
  await client.libp2p.dial(server.libp2p.getMultiaddrs());
  return {
    client: libp2pContentTransport(client.libp2p),
    clientId: client.peerId,
    server: libp2pContentTransport(server.libp2p),
    serverId: server.peerId,
    stop: async () => {
      await Promise.all([client.stop(), server.stop()]);
    },
  };
});

describe('libp2pContentTransport', () => {
  const { signal } = new AbortController();
  const started: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()));
  });

  it('[P-98] serves 4 streams of one connection', async () => {
    const [client, server] = [await startNode(), await startNode()];
    started.push(client, server);
    await client.libp2p.dial(server.libp2p.getMultiaddrs());
    let served = 0;
    await libp2pContentTransport(server.libp2p).serve(() => {
      served++;
      return new Promise(() => {});
    });
    // A client that keeps to no limit of its own.
    const dial = () =>
      client.libp2p.dialProtocol(server.libp2p.peerId, '/starling/content/1', { maxOutboundStreams: 10 });
    for (let n = 0; n < 4; n++) await dial();
    await vi.waitFor(() => expect(served).toBe(4), SOON);
    const fifth = await dial().catch(() => null);
    if (fifth !== null) await vi.waitFor(() => expect(fifth.status).not.toBe('open'), SOON);
    expect(served).toBe(4);
  });

  it('[P-101] opens no channel over the limited connection of a relay', async () => {
    const relay = await startRelay({
      privateKey: randomBytes(32),
      networks: ['transport-test:1'],
      ports: { ws: null },
    });
    const [client, server] = [await startNode(relay.addresses), await startNode(relay.addresses)];
    started.push(relay, client, server);
    await libp2pContentTransport(server.libp2p).serve(async (channel: Channel) => channel.close());
    const through = multiaddr(`${relay.addresses[0]}/p2p-circuit/p2p/${server.peerId}`);
    const connection = await vi.waitFor(() => client.libp2p.dial(through), {
      timeout: 60_000,
      interval: 500,
    });
    expect(connection.limits).toBeDefined();
    await expect(libp2pContentTransport(client.libp2p).open(server.peerId, signal)).rejects.toThrow(
      /limited/i,
    );
  });
});
