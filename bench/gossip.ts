/**
 * How long a message takes from one peer to the others, twelve Node peers in this process: Starling's signed,
 * canonical, checked messages beside bare gossipsub over the same connections in the same run.
 */
import { UNTESTED } from '../protocol/conformance-report.ts';
import '../swarm/node20.ts';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceKey } from '../protocol/device-key.ts';
import { loadSignatureChecks } from '../protocol/signature-checks.ts';
import { startGossip } from '../swarm/gossip.ts';
import { topicsOf } from '../swarm/network-id.ts';
import { createSwarmNode } from '../swarm/node.ts';
import { nodeTransports } from '../swarm/node-transports.ts';
import { startPresence } from '../swarm/presence.ts';
import { startRelay } from '../swarm/relay/relay.ts';
import { systemScheduler } from '../swarm/scheduler.ts';
import { type Benchmark, compared } from './benchmark.ts';

const PEERS = 12;
/** Connections that each of them has at least: those that a peer looks for. */
const DEGREE = 6;
const MESSAGES = 200;
const RUN = 'gossip-bench:1';
const BARE_TOPIC = 'starling-bench-bare';
const QUOTA = { perSecond: 1000, burst: 1000 };
/** Between two messages, so that latency and not queueing is measured. */
const PAUSE_MS = 25;
const JOIN_MS = 60_000;
/** Part of the messages that must arrive. On a busy machine some are of a round that is over. */
const MOST_ARRIVE = 0.95;
/** How long the last messages may be under way. */
const ARRIVE_MS = 20_000;

export const gossip: Benchmark = {
  name: 'gossip',
  async *run({ signal, note }) {
    let round = 1;
    // As every member of a swarm does.
    await loadSignatureChecks();
    const relay = await startRelay({ privateKey: randomBytes(32), networks: [RUN] });
    const peers = await Promise.all(
      Array.from({ length: PEERS }, () => startPeer(relay.addresses, () => round)),
    );
    try {
      const deadline = performance.now() + JOIN_MS;
      while (!peers.every(({ node, members }) => node.degree() >= DEGREE && members() === PEERS - 1)) {
        if (performance.now() > deadline)
          throw new Error('the peers did not all find one another within a minute');
        await sleep(100, undefined, { signal });
      }
      // gossipsub grafts its meshes at heartbeats, a second apart; before that a topic may lose messages.
      await sleep(5000, undefined, { signal });
      const own: number[] = [];
      const bare: number[] = [];
      for (const peer of peers) {
        peer.onCommit((sent) => own.push(performance.now() - sent));
        peer.onBare((sent) => bare.push(performance.now() - sent));
      }
      for (let i = 0; i < MESSAGES; i++) {
        signal.throwIfAborted();
        const peer = peers[i % PEERS]!;
        // A device commits once a round, and what is of a round that is long over counts no more.
        if (i % PEERS === 0) round++;
        await peer.say(performance.now(), round);
        await sleep(PAUSE_MS);
        await peer.sayBare(performance.now());
        await sleep(PAUSE_MS);
      }
      const expected = MESSAGES * (PEERS - 1);
      const last = performance.now() + ARRIVE_MS;
      while (performance.now() < last && (own.length < expected || bare.length < expected))
        await sleep(100, undefined, { signal });
      const least = Math.min(own.length, bare.length);
      if (least < MOST_ARRIVE * expected)
        throw new Error(`only ${own.length} and ${bare.length} of ${expected} messages arrived`);
      if (least < expected) note(`${own.length} and ${bare.length} of ${expected} messages arrived`);
      for (const share of [50, 95] as const)
        yield compared(`gossip/latency-p${share}/${PEERS}-peers`, 'ms', percentile(own, share), {
          name: 'gossipsub without our signatures and checks',
          value: percentile(bare, share),
        });
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()));
      await relay.stop();
    }
  },
};

async function startPeer(relays: readonly string[], round: () => number) {
  const key = deviceKey(randomBytes(32));
  const node = await createSwarmNode({
    privateKey: key.secret,
    relays,
    topics: [...Object.values(topicsOf(RUN)), BARE_TOPIC],
    loopback: true,
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
  const messages = startGossip({
    pubsub: node.pubsub,
    networkId: RUN,
    key,
    scheduler: systemScheduler,
    round,
    limits: { authorQuota: QUOTA, sourceQuota: QUOTA },
  });
  const presence = startPresence({
    gossip: messages,
    node,
    publicKey: key.publicKey,
    describe: () => ({ delegation: null, engine: 'none', conformance: UNTESTED }),
    round,
    scheduler: systemScheduler,
    relays: false,
  });
  let bareListener: (sent: number) => void = () => undefined;
  const leave = node.pubsub.join(BARE_TOPIC, async (data) => {
    bareListener(readTime(data));
    return 'accept';
  });
  return {
    node,
    members: () => presence.members().length,
    onCommit(listener: (sent: number) => void) {
      messages.onMessage((message) => {
        if (message.type === 'commit') listener(readTime(Buffer.from(message.body.digest.slice(2), 'hex')));
      });
    },
    onBare(listener: (sent: number) => void) {
      bareListener = listener;
    },
    // The time it was sent travels in the digest's first eight bytes: one process, one clock.
    say: (sent: number, of: number) =>
      messages.publish({
        type: 'commit',
        round: of,
        body: { digest: `0x${Buffer.from(timed(sent)).toString('hex')}` },
      }),
    sayBare: (sent: number) => node.pubsub.publish(BARE_TOPIC, timed(sent)),
    async stop() {
      leave();
      presence.stop();
      messages.stop();
      await node.stop();
    },
  };
}

function timed(sent: number): Uint8Array {
  const bytes = new Uint8Array(randomBytes(32));
  new DataView(bytes.buffer).setFloat64(0, sent);
  return bytes;
}

function readTime(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset).getFloat64(0);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * share) / 100))] ?? Number.NaN;
}
