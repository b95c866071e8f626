import { tcp } from '@libp2p/tcp';
import type { TransportMaker } from './node.ts';

/** Transports that Node has and a browser has not. Kept in a module of its own, so that no page bundles it. */
export function nodeTransports(): readonly TransportMaker[] {
  return [tcp()];
}
