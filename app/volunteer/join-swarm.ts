import { MemoryStore } from '../../swarm/content/store.ts';
import { joinSwarm } from '../../swarm/join.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import type { JoinOptions, VolunteerConnection } from './dependencies.ts';

/** Bytes of memory for content that is served to others. Older rounds are forgotten first. */
const CONTENT_BUDGET = 64 * 1024 * 1024;

/**
 * Joins the swarm with this tab, and makes the driver of its rounds. Does not start the rounds. In a chunk of
 * its own.
 */
export async function joinAsVolunteer(options: JoinOptions): Promise<VolunteerConnection> {
  const { network, key, ledger, trainer, describe, engine, conformance } = options;
  const connection = await joinSwarm({
    network,
    key,
    ledger,
    store: new MemoryStore(CONTENT_BUDGET),
    describe,
  });
  const { node, gossip, presence, content, standings } = connection;
  const driver = new RoundDriver({
    trainer,
    ledger,
    gossip,
    content,
    deviceKey: key,
    standings,
    engine,
    conformance,
  });
  const offs = [
    driver.on(options.onRound),
    gossip.onRejected(({ reason }) => options.onRefused(reason)),
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
      await connection.leave();
    },
  };
}
