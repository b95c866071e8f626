import type { ConnectionManagerInit } from 'libp2p';

/** Protocols every process of the swarm leaves room for. Measured: with libp2p's shorter defaults 12 tabs did not form a swarm. */
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

/** A busy tab answers late; the default monitor (10 s) cuts it off. */
export const connectionMonitorSettings = {
  pingInterval: 30_000,
  pingTimeout: { minTimeout: 15_000, maxTimeout: 60_000 },
};
