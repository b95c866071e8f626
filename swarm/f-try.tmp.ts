import '/work/main/swarm/node20.ts';
import { randomBytes } from 'node:crypto';
import { startRelay } from '/work/main/node/relay.ts';
import { deviceKey } from '/work/main/swarm/device-key.ts';
import { startGossip } from '/work/main/swarm/gossip.ts';
import { createSwarmNode } from '/work/main/swarm/node.ts';
import { nodeTransports } from '/work/main/swarm/node-transports.ts';
import { startPresence } from '/work/main/swarm/presence.ts';
import { runTopics } from '/work/main/swarm/run.ts';
import { systemScheduler } from '/work/main/swarm/scheduler.ts';

const t0 = Date.now();
const log = (...a: unknown[]) => console.log(((Date.now() - t0) / 1000).toFixed(2), ...a);
const relay = await startRelay({ privateKey: randomBytes(32) });
log('relay', relay.addresses);
const run = 'test:1';
const peers = await Promise.all(
  [0, 1, 2].map(async (i) => {
    const key = deviceKey(randomBytes(32));
    const node = await createSwarmNode({
      privateKey: key.secret,
      relays: relay.addresses,
      topics: Object.values(runTopics(run)),
      loopback: true,
      transports: nodeTransports(),
    });
    const gossip = startGossip({ pubsub: node.pubsub, run, key, now: () => Date.now(), round: () => 1 });
    gossip.onRefused((r) => log(i, 'refused', r));

    const presence = startPresence({
      gossip,
      node,
      publicKey: key.publicKey,
      describe: () => ({
        delegation: null,
        engine: 'none',
        conformance: { verdict: 'untested', detail: '' },
      }),
      round: () => 1,
      scheduler: systemScheduler,
      relays: false,
    });
    return { key, node, gossip, presence };
  }),
);
for (let i = 0; i < 12; i++) {
  await new Promise((r) => setTimeout(r, 1000));
  log(peers.map((p) => p.node.degree()).join());
  if (peers.every((p) => p.node.degree() === 2)) break;
}
log(JSON.stringify(peers[0]!.node.view()));
await relay.stop();
log('relay stopped');
await new Promise((r) => setTimeout(r, 1000));
await peers[0]!.gossip.say({ type: 'commit', round: 1, body: { digest: `0x${'11'.repeat(32)}` } });
await new Promise((r) => setTimeout(r, 1500));
log(JSON.stringify(peers[0]!.node.view()));
for (const p of peers) {
  p.presence.stop();
  p.gossip.stop();
  await p.node.stop();
}
log('stopped');
