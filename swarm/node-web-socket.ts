/**
 * Adds `WebSocket` to Node 20, with which libp2p dials relays. Browsers and Node 22 have it. It does nothing
 * where the class exists.
 */
import { WebSocket } from 'ws';

if (typeof globalThis.WebSocket !== 'function') {
  Object.defineProperty(globalThis, 'WebSocket', { configurable: true, writable: true, value: WebSocket });
}
