import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RTCPeerConnection } from 'node-datachannel/polyfill';
import { describe, expect, it, vi } from 'vitest';
import './node-transports.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Two connections of this process that are open to one another. */
async function openPair() {
  const [one, other] = [new RTCPeerConnection({ iceServers: [] }), new RTCPeerConnection({ iceServers: [] })];
  // A candidate counts for a connection that has the other side's description, and is an error before.
  const candidates: (() => Promise<void>)[] = [];
  let areDescribed = false;
  const tell = () => {
    for (const add of candidates.splice(0)) void add();
  };
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const)
    from.onicecandidate = ({ candidate }) => {
      if (candidate !== null) candidates.push(() => to.addIceCandidate(candidate));
      if (areDescribed) tell();
    };
  const first = one.createDataChannel('first');
  const opened = new Promise<void>((resolve) => first.addEventListener('open', () => resolve()));
  await one.setLocalDescription(await one.createOffer());
  await other.setRemoteDescription(must(one.localDescription));
  await other.setLocalDescription(await other.createAnswer());
  await one.setRemoteDescription(must(other.localDescription));
  areDescribed = true;
  tell();
  await opened;
  return { one, other };
}

function must<T>(value: T | null): T {
  if (value === null) throw new TypeError('There is a description.');
  return value;
}

describe('data channels of Node', () => {
  it('let go of who heard them when they are closed', { timeout: 60_000 }, async () => {
    const { one, other } = await openPair();
    try {
      const heard = vi.fn();
      const listener = await new Promise<WeakRef<object>>((resolve) => {
        other.addEventListener('datachannel', (event) => {
          const { channel } = event as unknown as RTCDataChannelEvent;
          if (channel.label !== 'second') return;
          const stream = { received: new Uint8Array(1000) };
          channel.onmessage = () => heard(stream.received.length);
          channel.onclose = () => heard('closed');
          resolve(new WeakRef(stream));
        });
        const second = one.createDataChannel('second');
        second.addEventListener('open', () => {
          second.send('a request');
          setTimeout(() => second.close(), 50);
        });
      });
      await vi.waitFor(() => expect(heard.mock.calls).toEqual([[1000], ['closed']]), { timeout: 20_000 });
      await vi.waitFor(
        () => {
          collect();
          expect(listener.deref()).toBeUndefined();
        },
        { timeout: 20_000 },
      );
    } finally {
      one.close();
      other.close();
    }
  });
});
