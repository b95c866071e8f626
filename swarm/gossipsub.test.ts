import './node20.ts';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GossipSub, GossipsubMessage } from '@libp2p/gossipsub';
import { describe, expect, it, vi } from 'vitest';
import { sha256Of } from '../protocol/sha256-of.ts';
import { reopenStream } from './gossipsub.ts';
import { createSwarmNode, type SwarmNode } from './node.ts';
import { nodeTransports } from './node-transports.ts';
import type { Disposition } from './pubsub.ts';
import { describePubSubContract } from './testing/pubsub-contract.ts';

const TOPICS = ['/starling/2/pubsub-test:1/presence', '/starling/2/pubsub-test:1/rounds'] as const;

/** A node that others of this machine can dial. */
function startNode(): Promise<SwarmNode> {
  return createSwarmNode({
    privateKey: randomBytes(32),
    relays: [],
    topics: TOPICS,
    loopback: true,
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
}

/** The service has this too, though its interface leaves it out. */
interface Scored {
  getScore(peerId: string): number;
}

function gossipsubOf({ libp2p }: SwarmNode): GossipSub & Scored {
  return (libp2p.services as unknown as { readonly pubsub: GossipSub & Scored }).pubsub;
}

/** Resolves when every node knows that all of them have joined the topic. */
function allJoined(nodes: readonly SwarmNode[], topic: string): Promise<void> {
  const check = (): void => {
    for (const node of nodes)
      if (gossipsubOf(node).getSubscribers(topic).length < nodes.length - 1)
        throw new Error('Not all have joined.');
  };
  return vi.waitFor(check, { timeout: 60_000, interval: 50 });
}

describePubSubContract('gossipsub', async () => {
  const nodes = [await startNode(), await startNode(), await startNode()] as const;
  const [a, b, c] = nodes;
  await a.libp2p.dial(b.libp2p.getMultiaddrs());
  await a.libp2p.dial(c.libp2p.getMultiaddrs());
  await b.libp2p.dial(c.libp2p.getMultiaddrs());
  return {
    peers: [a.pubsub, b.pubsub, c.pubsub],
    topics: TOPICS,
    joined: (topic) => allJoined(nodes, topic),
    pass: () => sleep(50),
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
});

describe('gossipsub', () => {
  it('[P-20] sends messages without a signature, under the sha2-256 of their data', async () => {
    const [topic] = TOPICS;
    const nodes = [await startNode(), await startNode()] as const;
    const [a, b] = nodes;
    try {
      await a.libp2p.dial(b.libp2p.getMultiaddrs());
      for (const { pubsub } of nodes) pubsub.join(topic, async () => 'accept');
      await allJoined(nodes, topic);
      const received = new Promise<GossipsubMessage>((resolve) => {
        gossipsubOf(b).addEventListener('gossipsub:message', ({ detail }) => resolve(detail), { once: true });
      });
      const data = new TextEncoder().encode('hello');
      await a.pubsub.publish(topic, data);
      const { msg, msgId } = await received;
      expect(msg.type).toBe('unsigned');
      expect(new Uint8Array(Buffer.from(msgId, 'base64'))).toEqual(sha256Of(data));
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  });

  it('opens a stream to a neighbour again that has none, and leaves one that is there', async () => {
    const nodes = [await startNode(), await startNode()] as const;
    const [a, b] = nodes;
    const service = gossipsubOf(a);
    const { streamsOutbound } = service as unknown as {
      readonly streamsOutbound: Map<string, { readonly rawStream: { abort(error: Error): void } }>;
    };
    try {
      const connection = await a.libp2p.dial(b.libp2p.getMultiaddrs());
      await vi.waitFor(() => expect(streamsOutbound.has(b.peerId)).toBe(true), { timeout: 10_000 });
      const first = streamsOutbound.get(b.peerId);
      reopenStream(service, connection);
      await sleep(100);
      expect(streamsOutbound.get(b.peerId)).toBe(first);
      first?.rawStream.abort(new Error('Its connection has ended.'));
      await vi.waitFor(() => expect(streamsOutbound.has(b.peerId)).toBe(false));
      reopenStream(service, connection);
      await vi.waitFor(() => expect(streamsOutbound.has(b.peerId)).toBe(true), { timeout: 10_000 });
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  });

  /**
   * Has one node send messages to another, whose verdict on all is the same, until `until` no longer throws.
   * It is told how many the other looked at, and what the other's score of the first is.
   */
  async function judge(verdict: Disposition, until: (judged: number, score: number) => void): Promise<void> {
    const [topic] = TOPICS;
    const nodes = [await startNode(), await startNode()] as const;
    const [a, b] = nodes;
    try {
      await a.libp2p.dial(b.libp2p.getMultiaddrs());
      let judged = 0;
      a.pubsub.join(topic, async () => 'accept');
      b.pubsub.join(topic, async () => {
        judged++;
        return verdict;
      });
      await allJoined(nodes, topic);
      await vi.waitFor(
        async () => {
          await a.pubsub.publish(topic, randomBytes(20));
          until(judged, gossipsubOf(b).getScore(a.peerId));
        },
        { timeout: 25_000, interval: 20 },
      );
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  }

  it('[P-114] ends gossip with a neighbour after ten messages that are penalised', () =>
    judge('penalise', (judged, score) => {
      expect(judged).toBeGreaterThanOrEqual(10);
      // The threshold below which gossipsub looks at nothing of a neighbour.
      expect(score).toBeLessThan(-160);
    }));

  it('[P-205] ends gossip with a neighbour after four messages that are blamed', () =>
    judge('blame', (judged, score) => {
      expect(judged).toBeGreaterThanOrEqual(4);
      expect(score).toBeLessThan(-160);
    }));

  it('[P-114] goes on with a neighbour after 40 messages that are ignored', () =>
    judge('ignore', (judged, score) => {
      expect(judged).toBeGreaterThanOrEqual(40);
      expect(score).toBeGreaterThanOrEqual(0);
    }));
});
