import {
  type CircuitRelayTransportComponents,
  circuitRelayTransport,
  RELAY_V2_HOP_CODEC,
} from '@libp2p/circuit-relay-v2';
import type { PeerId, PeerStore, TopologyFilter } from '@libp2p/interface';
import { peerIdOf } from '../peer-id-of.ts';

/** libp2p's reservations on relays. It offers no public way to them. */
interface ReservationStore {
  hasReservation(peer: PeerId): boolean;
  addRelay(peer: PeerId, type: 'discovered'): Promise<unknown>;
}

export interface ChosenCircuit {
  /** For libp2p's list of transports. */
  readonly transport: ReturnType<typeof circuitRelayTransport>;
  /** Whether the peer relays for this node now. */
  hasReservation(peerId: string): boolean;
  /** Asks a peer for a reservation. Never rejects. */
  reserve(peerId: string): Promise<void>;
}

/**
 * libp2p’s circuit transport, which reserves only on relays that `isChosen` names. By itself it reserves on
 * whatever peer says that it relays. A stranger that connects could so take the place of a relay of the
 * network, and nobody would reach the device any more.
 */
export function circuitThroughChosen(isChosen: (peerId: string) => boolean): ChosenCircuit {
  // A topology calls nobody for a peer that its filter has already.
  const discoveryFilter: TopologyFilter = {
    has: (peer) => !isChosen(peer.toString()),
    add: () => undefined,
    remove: () => undefined,
  };
  const factory = circuitRelayTransport({ reservationCompletionTimeout: 10_000, discoveryFilter });
  let store: ReservationStore | undefined;
  return {
    transport: (components: CircuitRelayTransportComponents) => {
      const peerStore = withoutOthers(components.peerStore, isChosen);
      const made = factory(
        new Proxy(components, {
          get: (target, name) => (name === 'peerStore' ? peerStore : Reflect.get(target, name)),
        }),
      );
      store = (made as unknown as { readonly reservationStore: ReservationStore }).reservationStore;
      return made;
    },
    hasReservation: (peerId) => store?.hasReservation(peerIdOf(peerId)) ?? false,
    async reserve(peerId) {
      try {
        await store?.addRelay(peerIdOf(peerId), 'discovered');
      } catch {
        // The peer has no place, or went away. Whoever chooses looks at hasReservation.
      }
    },
  };
}

/**
 * The store without peers that relay and are not chosen, because the transport looks for relays there too.
 */
function withoutOthers(store: PeerStore, isChosen: (peerId: string) => boolean): PeerStore {
  const all: PeerStore['all'] = async (query) =>
    (await store.all(query)).filter(
      ({ id, protocols }) => isChosen(id.toString()) || !protocols.includes(RELAY_V2_HOP_CODEC),
    );
  return new Proxy(store, {
    get(target, name) {
      if (name === 'all') return all;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
