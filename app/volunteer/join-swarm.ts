import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { libp2pContentTransport } from '../../swarm/content/transport.ts';
import { startGossip } from '../../swarm/gossip.ts';
import { createSwarmNode } from '../../swarm/node.ts';
import { startPresence } from '../../swarm/presence.ts';
import { RoundDriver } from '../../swarm/rounds.ts';
import { runName, runTopics } from '../../swarm/run.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import type { JoinOptions, SwarmConnection } from './dependencies.ts';

/** Memory for what is served to others; older rounds are forgotten first. */
const CONTENT_BUDGET = 64 * 1024 * 1024;

/**
 * Puts this tab into the swarm of a network: a libp2p node on the main thread (WebRTC exists only there), the run's
 * gossip, presence, content, and the driver of its rounds. Does not start the rounds. In a chunk of its own.
 */
export async function joinSwarm(options: JoinOptions): Promise<SwarmConnection> {
  const { network, key, ledger, trainer } = options;
  const run = runName(network.chainId, network.contracts.participation);
  const scheduler = systemScheduler;
  const round = () => ledger.clock.read().round;
  const node = await createSwarmNode({
    privateKey: key.secret,
    relays: network.relays,
    topics: Object.values(runTopics(run)),
    loopback: network.local,
    // Not yet: libp2p 3.3.11 throws outside of any promise when it reserves a place on a relay that is reached by WebRTC
    // (DNSMappings.has), which ends a Node process.
    relayForOthers: false,
  });
  const gossip = startGossip({
    pubsub: node.pubsub,
    run,
    key,
    scheduler,
    round,
    claims: ledger,
  });
  const presence = startPresence({
    gossip,
    node,
    publicKey: key.publicKey,
    describe: options.describe,
    round,
    scheduler,
    relays: false,
  });
  const content = await startContent({
    store: new MemoryStore(CONTENT_BUDGET),
    transport: libp2pContentTransport(node.libp2p),
    scheduler,
  });
  const driver = new RoundDriver({
    trainer,
    ledger,
    gossip,
    content,
    deviceKey: key,
    engine: options.engine,
    conformance: options.conformance,
  });
  const offs = [
    driver.on(options.onRound),
    gossip.onRefused(({ reason }) => options.onRefused(reason)),
    node.watch(options.onNetwork),
    presence.onMember(() => options.onNetwork(node.view())),
  ];
  options.onNetwork(node.view());
  return {
    driver,
    members: () => presence.members(),
    announce: () => presence.announce(),
    async leave() {
      for (const off of offs) off();
      await driver.stop();
      presence.stop();
      gossip.stop();
      await content.stop();
      await node.stop();
    },
  };
}
