import type { ConnectionManagerInit } from 'libp2p';

/**
 * Limits of connections, for every process of the swarm. With libp2p's shorter defaults, 12 tabs did not form
 * a swarm.
 */
export const connectionManagerSettings: ConnectionManagerInit & { readonly addressDialTimeout: number } = {
  maxConnections: 64,
  inboundConnectionThreshold: 50,
  maxIncomingPendingConnections: 50,
  addressDialTimeout: 25_000,
  dialTimeout: 30_000,
  inboundUpgradeTimeout: 30_000,
  outboundStreamProtocolNegotiationTimeout: 20_000,
  inboundStreamProtocolNegotiationTimeout: 20_000,
};

/** A busy tab answers a ping late. libp2p's default monitor closes its connection after 10 s. */
export const connectionMonitorSettings = {
  pingInterval: 30_000,
  pingTimeout: { minTimeout: 15_000, maxTimeout: 60_000 },
};
