import type { TopicName } from './messages/bodies.ts';

const RUN = /^[a-z0-9][a-z0-9:._-]{0,95}$/;

/** The name of a run of one contract: messages of other chains and deployments are not for us. */
export function runName(chainId: number, participation: string): string {
  return `${chainId}:${participation.toLowerCase()}`;
}

/** The gossip topics of a run. Throws TypeError when the name is not 1 to 96 of a-z 0-9 : . _ - */
export function runTopics(run: string): Readonly<Record<TopicName, string>> {
  if (!RUN.test(run)) throw new TypeError(`A run's name is 1 to 96 of a-z, 0-9 and :._- but not "${run}".`);
  return {
    presence: `/starling/1/${run}/presence`,
    rounds: `/starling/1/${run}/rounds`,
    attestations: `/starling/1/${run}/attestations`,
  };
}

/** The run and topic name in a gossip topic of ours, or null. */
export function parseTopic(topic: string): { readonly run: string; readonly name: TopicName } | null {
  const match = /^\/starling\/1\/([a-z0-9][a-z0-9:._-]{0,95})\/(presence|rounds|attestations)$/.exec(topic);
  if (match === null || match[1] === undefined) return null;
  return { run: match[1], name: match[2] as TopicName };
}
