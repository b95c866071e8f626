import type { Connection } from '@libp2p/interface';
import { BoundedMap } from './bounded-map.ts';

/** Peers whose round trips are remembered. */
const KEPT = 256;

/** Opens a stream to a peer for one ping. Resolves with the milliseconds of the round trip. */
export type Ping = (connection: Connection) => Promise<number>;

/**
 * Round trips to neighbours in milliseconds. libp2p's connection monitor measures each connection twice a
 * minute and leaves the result at the connection. It is read there, because a ping of one's own costs a
 * stream, and over WebRTC in Node a stream costs memory that is never given back. A new neighbour is pinged
 * once, so that nobody waits for the monitor.
 */
export class RoundTrips {
  readonly #ping: Ping;
  readonly #known = new BoundedMap<string, number>(KEPT);

  constructor(ping: Ping) {
    this.#ping = ping;
  }

  /** Null while nothing was measured. */
  of(peerId: string): number | null {
    return this.#known.get(peerId) ?? null;
  }

  /** Looks at a connection again. Resolves with whether the round trip is another one. Never rejects. */
  async measure(connection: Connection): Promise<boolean> {
    const peerId = connection.remotePeer.toString();
    const before = this.#known.get(peerId);
    const now = connection.rtt ?? before ?? (await this.#ping(connection).catch(() => undefined));
    if (now === undefined || now === before) return false;
    this.#known.set(peerId, now);
    return true;
  }
}
