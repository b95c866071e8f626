/** What becomes of a message after its check: passed on, silently dropped, or dropped at the cost of the peer that sent it. */
export type Disposition = 'accept' | 'ignore' | 'reject';

/** Calls `check` once for every distinct message before it is passed on. `source` is the peer id it came from. */
export type MessageCheck = (data: Uint8Array, source: string) => Promise<Disposition>;

/** The bytes side of gossip. libp2p implements it; tests use one in memory. */
export interface PubSub {
  /** Sends to the peers of a topic; without any it does nothing. Not delivered to oneself. */
  publish(topic: string, data: Uint8Array): Promise<void>;
  /** Joins a topic until the returned function is called. One check a topic. */
  join(topic: string, check: MessageCheck): () => void;
}
