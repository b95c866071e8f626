import { allCohorts } from './cohort-path.ts';
import { TOPIC_NAMES, type TopicName } from './messages/message-types.ts';

const NETWORK_ID = /^[a-z0-9][a-z0-9:._-]{0,95}$/;

/**
 * The id of the network that belongs to one swarm of one Participation contract. Messages carry it, so that
 * those of other chains, deployments and swarms are told apart.
 */
export function networkId(chainId: number, participation: string, swarm: number): string {
  return `${chainId}:${participation.toLowerCase()}:${swarm}`;
}

/** The gossip topics of a network. Throws TypeError when the id is not 1 to 96 of a-z 0-9 : . _ - */
export function topicsOf(network: string): Readonly<Record<TopicName, string>> {
  if (!NETWORK_ID.test(network)) {
    throw new TypeError(`A network id is 1 to 96 of a-z, 0-9 and :._- but not "${network}".`);
  }
  const entries = TOPIC_NAMES.map((name) => [name, `/starling/2/${network}/${name}`] as const);
  return Object.fromEntries(entries) as Record<TopicName, string>;
}

/** The topic of a cohort (cohort-path.ts) of a network. */
export function cohortTopic(network: string, cohort: string): string {
  return `/starling/2/${network}/cohort/${cohort}`;
}

/** All topics that messages of a network may travel on. Throws TypeError as `topicsOf` does. */
export function allTopicsOf(network: string): readonly string[] {
  return [...Object.values(topicsOf(network)), ...allCohorts().map((cohort) => cohortTopic(network, cohort))];
}
