import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2';
import type { PeerId } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { endReservation, type ReservationLimits, Reservations } from './reservations.ts';

/**
 * Reservations that a member gives to its neighbours. Most neighbours come through the same relays, so they
 * are not shared by address: the connections that a reservation needs are.
 */
const LIMITS: ReservationLimits = {
  places: 32,
  perPrefix: 32,
  reserve: 0,
  fewPerPrefix: 0,
  perMinute: 64,
  ttlMs: 15 * 60_000,
};
/** Of them, for peers without a record. */
const FOR_STRANGERS = 16;
/** Handshakes at once that one neighbour may have carried: as many as a member dials at once. */
const HANDSHAKES = 4;

/** The service with which a member carries handshakes to its neighbours: 2 minutes and 128 KiB each. */
export function memberRelay(): ReturnType<typeof circuitRelayServer> {
  return circuitRelayServer({
    hopTimeout: 30_000,
    maxInboundHopStreams: HANDSHAKES,
    maxOutboundHopStreams: HANDSHAKES,
    maxOutboundStopStreams: HANDSHAKES,
    reservations: {
      maxReservations: LIMITS.places,
      reservationTtl: LIMITS.ttlMs,
      defaultDurationLimit: 120_000,
      defaultDataLimit: 131_072n,
    },
  });
}

export interface MemberReservationsOptions {
  /** Whether a peer is more than a new key. */
  readonly hasRecord: (peerId: string) => boolean;
  /** Local time in ms. */
  readonly now: () => number;
}

/** What is read of a node that relays. */
type RelayingNode = Pick<Libp2p, 'getConnections' | 'services'>;

/** Decides which neighbours get a reservation of a member. libp2p asks before each. */
export class MemberReservations {
  readonly #options: MemberReservationsOptions;
  readonly #reservations: Reservations;

  constructor(options: MemberReservationsOptions) {
    this.#options = options;
    this.#reservations = new Reservations(LIMITS, options.now);
  }

  /** Whether the peer may reserve now. Half of the places are for peers with a record. */
  admit(node: RelayingNode, peer: PeerId): boolean {
    const held = heldBy(node);
    const address = node.getConnections(peer)[0]?.remoteAddr;
    if (held === undefined || address === undefined) return false;
    const { hasRecord } = this.#options;
    const strangers = [...held.keys()].filter((each) => !each.equals(peer) && !hasRecord(each.toString()));
    if (!hasRecord(peer.toString()) && strangers.length >= FOR_STRANGERS) return false;
    return this.#reservations.admit(held, peer, address);
  }

  /** Ends the reservation of a peer that has left. */
  end(node: RelayingNode, peer: PeerId): void {
    const held = heldBy(node);
    if (held !== undefined) endReservation(held, peer);
  }
}

/** Undefined for a node that does not relay. */
function heldBy({ services }: RelayingNode): CircuitRelayService['reservations'] | undefined {
  return (services as { readonly relay?: CircuitRelayService }).relay?.reservations;
}
