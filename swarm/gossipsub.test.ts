import './node20.ts';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GossipSub } from '@libp2p/gossipsub';
import { vi } from 'vitest';
import { createSwarmNode } from './node.ts';
import { nodeTransports } from './node-transports.ts';
import { describePubSubContract } from './testing/pubsub-contract.ts';

const TOPICS = ['/starling/1/pubsub-test:1/presence', '/starling/1/pubsub-test:1/rounds'] as const;

describePubSubContract('gossipsub', async () => {
  const start = () =>
    createSwarmNode({
      privateKey: randomBytes(32),
      relays: [],
      topics: TOPICS,
      loopback: true,
      transports: nodeTransports(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
    });
  const nodes = [await start(), await start(), await start()] as const;
  const [a, b, c] = nodes;
  for (const [from, to] of [
    [a, b],
    [a, c],
    [b, c],
  ] as const) {
    await from.libp2p.dial(to.libp2p.getMultiaddrs());
  }
  return {
    peers: [a.pubsub, b.pubsub, c.pubsub],
    topics: TOPICS,
    joined: (topic) =>
      vi.waitFor(
        () => {
          for (const { libp2p } of nodes) {
            const { pubsub } = libp2p.services as unknown as { readonly pubsub: GossipSub };
            if (pubsub.getSubscribers(topic).length < nodes.length - 1)
              throw new Error('Not all have joined.');
          }
        },
        { timeout: 20_000, interval: 50 },
      ),
    pass: () => sleep(50),
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
});
