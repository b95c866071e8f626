/**
 * How messages reach a peer: over a direct connection, through a relay, or only through the gossip of other
 * peers.
 */
export type PeerPath = 'direct' | 'relayed' | 'gossip';

/**
 * How ICE connects two devices: by their own addresses, as on one network; by addresses that a STUN server
 * told; or by a TURN server, which passes everything on.
 */
export type IceRoute = 'host' | 'stun' | 'turn';

export interface PeerView {
  readonly peerId: string;
  readonly path: PeerPath;
  /** Of a direct path. Null for other paths, for one that is not WebRTC, and before it was measured. */
  readonly route: IceRoute | null;
  /** Last measured round trip in milliseconds. Null before the first. */
  readonly latency: number | null;
}

export type RelayState = 'connected' | 'connecting' | 'unreachable';

export interface RelayView {
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly state: RelayState;
  /** Failed dials in a row. */
  readonly failures: number;
  /** Why the last dial failed. Null when it did not. */
  readonly cause: string | null;
}

/** Everything that the page shows about the network. */
export interface NetworkView {
  readonly peers: readonly PeerView[];
  readonly relays: readonly RelayView[];
}
