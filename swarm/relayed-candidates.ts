/**
 * Tells other devices of a page's addresses at a TURN server after all its other addresses. libp2p reads no
 * further candidates once a connection stands. One by TURN may stand before both sides have heard of the
 * other's address at its router. Neither opens its router for the other then, and the connection stays with
 * the TURN server although it could do without.
 */

/** For how long such a candidate waits, in milliseconds: a STUN server is asked again after half a second. */
export const HELD_MS = 1_000;

type Handler = (this: RTCPeerConnection, event: RTCPeerConnectionIceEvent) => unknown;

/** A handler of `icecandidate` that gets relayed candidates `HELD_MS` later, and all others at once. */
function relayedLast(handler: Handler): Handler {
  return function (event) {
    if (event.candidate?.type !== 'relay') return handler.call(this, event);
    setTimeout(() => handler.call(this, event), HELD_MS);
    return undefined;
  };
}

/** Makes every handler that is set as `onicecandidate` one of `relayedLast`. */
export function tellRelayedLast(prototype: RTCPeerConnection): void {
  const property = Object.getOwnPropertyDescriptor(prototype, 'onicecandidate');
  const { get, set } = property ?? {};
  if (get === undefined || set === undefined) return;
  Object.defineProperty(prototype, 'onicecandidate', {
    ...property,
    set(this: RTCPeerConnection, handler: Handler | null) {
      set.call(this, handler === null ? null : relayedLast(handler));
    },
  });
}

// Node has no such class of its own.
if (typeof RTCPeerConnection === 'function') tellRelayedLast(RTCPeerConnection.prototype);
