import '../node20.ts';
import { randomBytes } from 'node:crypto';
import { createSwarmNode } from '../node.ts';
import { nodeTransports } from '../node-transports.ts';
import { describeContentTransportContract } from '../testing/content-transport-contract.ts';
import { libp2pContentTransport } from './transport.ts';

describeContentTransportContract('libp2pContentTransport', async () => {
  const start = () =>
    createSwarmNode({
      privateKey: randomBytes(32),
      relays: [],
      topics: [],
      loopback: true,
      transports: nodeTransports(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
    });
  const [client, server] = [await start(), await start()];
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
