import '../node20.ts';
import { randomBytes } from 'node:crypto';
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2';
import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { MemberReservations } from './member-relay.ts';

type Reservations = CircuitRelayService['reservations'];
type Held = { readonly addr: unknown; readonly signal: { clear(): void } };

/** A member with neighbours in memory. All come through one relay, as tabs do. */
function world(known: readonly string[]) {
  const held = new Map<string, Held>();
  const ended: string[] = [];
  const reservations = {
    get: (peer: object) => held.get(String(peer)),
    has: (peer: object) => held.has(String(peer)),
    delete: (peer: object) => held.delete(String(peer)),
    keys: () => [...held.keys()].map((peerId) => peerIdFromString(peerId)).values(),
    values: () => held.values(),
  } as unknown as Reservations;
  const address = multiaddr('/ip4/192.0.2.1/tcp/1/ws');
  const node = {
    getConnections: () => [{ remoteAddr: address } as unknown as Connection],
    services: { relay: { reservations } } as never,
  };
  const member = new MemberReservations({ hasRecord: (peerId) => known.includes(peerId), now: () => 0 });
  return {
    ended,
    reserve(peerId: string): boolean {
      if (!member.admit(node, peerIdFromString(peerId))) return false;
      held.set(peerId, { addr: address, signal: { clear: () => ended.push(peerId) } });
      return true;
    },
    leave: (peerId: string) => member.end(node, peerIdFromString(peerId)),
    count: () => held.size,
  };
}

const newPeers = (count: number): readonly string[] =>
  Array.from({ length: count }, () => deviceKey(randomBytes(32)).peerId);

describe('MemberReservations', () => {
  it('[P-137] gives new keys half of the 32 reservations, and those with a record the rest', () => {
    const [known, strangers] = [newPeers(20), newPeers(20)];
    const { reserve } = world(known);
    expect(strangers.filter(reserve)).toHaveLength(16);
    expect(known.filter(reserve)).toHaveLength(16);
  });

  it('[P-137] lets everybody renew, and ends the reservation of who leaves', () => {
    const [first = '', ...others] = newPeers(17);
    const { reserve, leave, ended, count } = world([]);
    expect([first, ...others].filter(reserve)).toHaveLength(16);
    expect(reserve(first)).toBe(true);
    expect(count()).toBe(16);
    leave(first);
    expect(ended).toEqual([first, first]);
    expect(reserve(others.at(-1) ?? '')).toBe(true);
  });
});
