import { describe, expect, it } from 'vitest';
import type { Channel } from '../content/transport.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { acceptConnections, offerConnections, StripeError } from './connect.ts';

const { signal } = new AbortController();

/** A connection whose every call waits for ever, as a browser's may when its network is lost. */
class StuckConnection extends EventTarget {
  readonly iceGatheringState = 'new';
  isClosed = false;
  createDataChannel(): EventTarget {
    return new EventTarget();
  }
  createOffer(): Promise<never> {
    return new Promise(() => undefined);
  }
  setRemoteDescription(): Promise<never> {
    return new Promise(() => undefined);
  }
  close(): void {
    this.isClosed = true;
  }
}

/** A channel on which one message has come. */
function signallingWith(message: string): Channel {
  return {
    peerId: 'peer',
    read: async () => new TextEncoder().encode(message),
    write: async () => undefined,
    close: () => undefined,
  };
}

describe('connections to a pipeline neighbour', () => {
  for (const [side, open] of [
    ['offers', offerConnections],
    ['accepts', acceptConnections],
  ] as const) {
    it(`[P-170] are given up after 20 s by the side that ${side}, whatever the browser is waiting for`, async () => {
      const scheduler = new SimulatedScheduler();
      const made: StuckConnection[] = [];
      const opening = open({
        signalling: signallingWith('["v=0 one", "v=0 two"]'),
        ...{ signal, scheduler, connections: 2 },
        create: () => {
          const connection = new StuckConnection();
          made.push(connection);
          return connection as unknown as RTCPeerConnection;
        },
      });
      const end = expect(opening).rejects.toThrow(StripeError);
      await scheduler.advance(20_000);
      await end;
      expect(made.map(({ isClosed }) => isClosed)).toEqual([true, true]);
      expect(scheduler.pending).toBe(0);
    });
  }
});
