/** How messages reach a peer: over a connection of one's own, through a relay, or only through other peers' gossip. */
export type PeerPath = 'direct' | 'relayed' | 'gossip';

export interface PeerView {
  readonly peerId: string;
  readonly path: PeerPath;
  /** Round trip of the last ping in milliseconds, null before the first. */
  readonly latency: number | null;
}

export type RelayState = 'connected' | 'connecting' | 'unreachable';

export interface RelayView {
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly state: RelayState;
  /** Dials in a row that failed. */
  readonly failures: number;
  /** Why the last dial failed. */
  readonly cause: string | null;
}

/** Everything the page shows about the network, sent whenever some of it changes. */
export interface NetworkView {
  readonly peers: readonly PeerView[];
  readonly relays: readonly RelayView[];
}
