import type { CircuitRelayService } from '@libp2p/circuit-relay-v2';
import type { PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { TokenBuckets } from '../token-bucket.ts';
import { addressPrefix, hasPlace, type PlaceLimits } from './fair-places.ts';

/** The reservations that the library holds, by peer. */
type Held = CircuitRelayService['reservations'];

export interface ReservationLimits extends PlaceLimits {
  /** Reservations that one address prefix may make a minute. As many may come at once. */
  readonly perMinute: number;
  /** Lifetime of a reservation in milliseconds. A client renews it 5 minutes before the end. */
  readonly ttlMs: number;
}

export const RESERVATION_LIMITS: ReservationLimits = {
  places: 512,
  perPrefix: 128,
  reserve: 128,
  fewPerPrefix: 4,
  perMinute: 256,
  // Longer than the 10 minutes within whose end libp2p's client renews a reservation at all.
  ttlMs: 15 * 60_000,
};

/** Decides who gets a reservation of a relay. The library keeps them, and asks before each. */
export class Reservations {
  readonly limits: ReservationLimits;
  readonly #rate: TokenBuckets;

  /** `now` is in milliseconds. */
  constructor(limits: ReservationLimits, now: () => number) {
    this.limits = limits;
    this.#rate = new TokenBuckets({ perSecond: limits.perMinute / 60, burst: limits.perMinute }, now);
  }

  /**
   * Whether the peer at `address` may reserve now. A reservation that it had ends, and the library makes the
   * new one, because after a second renewal the timer of the first one would still end it (4.2.13).
   */
  admit(held: Held, peer: PeerId, address: Multiaddr): boolean {
    const prefix = addressPrefix(address);
    const isRenewal = held.has(peer);
    // Newcomers of a prefix cannot keep those who are there from renewing.
    if (this.#rate.take(isRenewal ? peer.toString() : prefix) !== 'taken') return false;
    const others = [...held.values()].map(({ addr }) => addressPrefix(addr));
    if (!isRenewal && !hasPlace(this.limits, prefix, others)) return false;
    endReservation(held, peer);
    return true;
  }
}

/** Ends a peer's reservation, if there is one, together with its timer. */
export function endReservation(held: Held, peer: PeerId): void {
  held.get(peer)?.signal.clear();
  held.delete(peer);
}
