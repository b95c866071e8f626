/**
 * Adds `WebSocket` to Node 20, with which libp2p dials relays. Browsers and Node 22 have it. It does nothing
 * where the class exists.
 */
import { WebSocket } from 'ws';

/**
 * As in browsers, a failure that nobody listens for is none of the process. ws emits it as an `error` of
 * Node, which ends the process then. A dial that libp2p gives up has no listener any more when it fails.
 */
class QuietWebSocket extends WebSocket {
  constructor(...options: ConstructorParameters<typeof WebSocket>) {
    super(...options);
    this.addEventListener('error', () => undefined);
  }
}

if (typeof globalThis.WebSocket !== 'function') {
  Object.defineProperty(globalThis, 'WebSocket', {
    configurable: true,
    writable: true,
    value: QuietWebSocket,
  });
}
