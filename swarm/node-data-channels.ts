/**
 * Works around a leak of node-datachannel 0.33.4, WebRTC for Node. A connection keeps every data channel that
 * its partner opened, also when it is closed, and with it what hears its events: here a libp2p stream, some
 * 20 KiB for each request of a tab to a Node member. So a closed channel lets go of who heard it.
 */
import { RTCPeerConnection } from 'node-datachannel/polyfill';

/** The properties of a data channel that hold a listener. */
const LISTENERS = ['onbufferedamountlow', 'onclose', 'onclosing', 'onerror', 'onmessage', 'onopen'] as const;

const { prototype } = RTCPeerConnection;
const dispatchEvent = prototype.dispatchEvent;

prototype.dispatchEvent = function (event: Event): boolean {
  if (event.type === 'datachannel') releaseWhenClosed((event as RTCDataChannelEvent).channel);
  return dispatchEvent.call(this, event);
};

function releaseWhenClosed(channel: RTCDataChannel): void {
  // The channel calls `onclose` before this listener, which is the later one.
  channel.addEventListener('close', () => {
    for (const name of LISTENERS) channel[name as keyof RTCDataChannel & (typeof LISTENERS)[number]] = null;
  });
}
