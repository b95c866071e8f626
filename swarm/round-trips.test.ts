import type { Connection } from '@libp2p/interface';
import { describe, expect, it } from 'vitest';
import { RoundTrips } from './round-trips.ts';

const connectionTo = (peerId: string, rtt?: number) =>
  ({ remotePeer: { toString: () => peerId }, rtt }) as unknown as Connection;

describe('RoundTrips', () => {
  it('pings a new neighbour once, and reads what the connection monitor measures from then on', async () => {
    const pinged: string[] = [];
    const trips = new RoundTrips(async ({ remotePeer }) => {
      pinged.push(remotePeer.toString());
      return 40;
    });
    expect(trips.of('a')).toBeNull();
    expect(await trips.measure(connectionTo('a'))).toBe(true);
    expect(await trips.measure(connectionTo('a'))).toBe(false);
    expect(trips.of('a')).toBe(40);
    expect(await trips.measure(connectionTo('a', 55))).toBe(true);
    expect(trips.of('a')).toBe(55);
    expect(await trips.measure(connectionTo('a', 55))).toBe(false);
    // A connection that was opened anew has not been measured yet.
    expect(await trips.measure(connectionTo('a'))).toBe(false);
    expect(trips.of('a')).toBe(55);
    expect(await trips.measure(connectionTo('b', 7))).toBe(true);
    expect(pinged).toEqual(['a']);
  });

  it('asks a neighbour that did not answer again', async () => {
    let asked = 0;
    const trips = new RoundTrips(async () => {
      if (++asked === 1) throw new Error('The peer is leaving.');
      return 12;
    });
    expect(await trips.measure(connectionTo('a'))).toBe(false);
    expect(trips.of('a')).toBeNull();
    expect(await trips.measure(connectionTo('a'))).toBe(true);
    expect(trips.of('a')).toBe(12);
  });
});
