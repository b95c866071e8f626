import './node-data-channels.ts';
import './node-web-socket.ts';
import { tcp } from '@libp2p/tcp';
import type { TransportFactory } from './node.ts';

/** The transports that only Node has. They are in a module of their own, so that no page bundles them. */
export function nodeTransports(): readonly TransportFactory[] {
  return [tcp()];
}
