/**
 * Works around two defects of @libp2p/webrtc 6.0.33. Import it before libp2p opens a connection.
 *
 * 1. The dialler waits for 'open' and later 'close' of its 'init' data channel. The answerer closes that
 *    channel as soon as it sees it. When the dialler's event loop is late, both events are over and it waits
 *    until the dial times out. That was 17 % of dials between tabs in our measurements. So here a closed
 *    'init' channel still says 'open', and closing it again dispatches 'close' again. No dial timed out with
 *    that.
 * 2. libp2p drops its references to an RTCPeerConnection on 'close', an event that the W3C interface does not
 *    have (js-libp2p issue 3567). Connections pile up until Chromium refuses the 501st. So here close()
 *    dispatches it.
 */
interface PatchablePrototype {
  createDataChannel(this: RTCPeerConnection, label: string, options?: RTCDataChannelInit): RTCDataChannel;
  close(this: RTCPeerConnection): void;
}

const patched = new WeakSet<object>();

/** Patches a class of the shape of RTCPeerConnection, once. */
function fixPeerConnection(type: { readonly prototype: PatchablePrototype }): void {
  const prototype = type.prototype;
  if (patched.has(prototype)) return;
  patched.add(prototype);

  const createDataChannel = prototype.createDataChannel;
  prototype.createDataChannel = function (label, options) {
    const channel = createDataChannel.call(this, label, options);
    if (label === 'init') fixInitChannel(channel);
    return channel;
  };

  const close = prototype.close;
  prototype.close = function () {
    const wasOpen = this.signalingState !== 'closed';
    close.call(this);
    if (wasOpen) this.dispatchEvent(new Event('close'));
  };
}

function fixInitChannel(channel: RTCDataChannel): void {
  const state = (): RTCDataChannelState =>
    Reflect.get(Object.getPrototypeOf(channel) as object, 'readyState', channel) as RTCDataChannelState;
  const close = channel.close.bind(channel);
  Object.defineProperty(channel, 'readyState', {
    configurable: true,
    get: () => {
      const now = state();
      return now === 'closed' || now === 'closing' ? 'open' : now;
    },
  });
  channel.close = () => {
    const already = state() === 'closed';
    close();
    // In a new task, so that the caller of close() has begun to listen.
    if (already) setTimeout(() => channel.dispatchEvent(new Event('close')), 0);
  };
}

if (typeof globalThis.RTCPeerConnection === 'function') fixPeerConnection(globalThis.RTCPeerConnection);
