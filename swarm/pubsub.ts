/**
 * What becomes of a message after its check. An accepted one is passed on, and all others are dropped. A
 * rejected one costs every peer that sends it standing. A penalised one costs it the peer that it came from,
 * and not others who pass the same message on. A blamed one costs that peer three times as much.
 */
export type Disposition = 'accept' | 'ignore' | 'penalise' | 'blame' | 'reject';

/** Checks a message before it is passed on. `source` is the id of the peer that it came from. */
export type MessageCheck = (data: Uint8Array, source: string) => Promise<Disposition>;

/**
 * Gossip of bytes. libp2p implements it, and tests use one in memory. testing/pubsub-contract.ts tests the
 * rules:
 *
 * - [PS-01] A message reaches every other member of its topic, unchanged, and names a source.
 * - [PS-02] A message does not reach its own sender, nor members of other topics.
 * - [PS-03] A member that has left a topic gets no more of its messages, and may join again.
 * - [PS-04] Publishing to a topic without members resolves.
 * - [PS-05] Each member checks each distinct message once.
 * - [PS-06] A topic is followed while a neighbour has joined it.
 */
export interface PubSub {
  /** Sends to the peers of a topic. Resolves once the message is handed to the network. */
  publish(topic: string, data: Uint8Array): Promise<void>;
  /** Joins a topic, with one check for it, until the returned function is called. */
  join(topic: string, check: MessageCheck): () => void;
  /** Counts a fault of a peer that was found after its message was accepted, as a blamed message does. */
  blame(source: string): void;
  /** Whether a neighbour has joined the topic. */
  isFollowed(topic: string): boolean;
}
