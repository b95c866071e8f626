import type { Connection, ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { addressPrefix, hasPlace, type PlaceLimits } from './fair-places.ts';

export interface InboundGateOptions {
  /** Connections that others open. */
  readonly limits: PlaceLimits;
  /** Those of them whose handshake is not over. */
  readonly halfOpen: PlaceLimits;
  readonly connections: () => readonly Connection[];
  /** Whether a peer is more than a new key, so that only `places` limits it. Defaults to nobody. */
  readonly hasRecord?: (peerId: string) => boolean;
}

/** Peers that come through a relay have no address of their own. They share the places before the reserve. */
const RELAYED = 'relayed';

/**
 * Decides whose connections are taken. libp2p takes them first come, up to a number, and when there are too
 * many closes those that came last. So a stranger with one address filled every place, with handshakes that
 * it never ended or with connections, and newcomers were turned away.
 */
export class InboundGate
  implements
    Pick<
      ConnectionGater,
      'denyInboundConnection' | 'denyInboundEncryptedConnection' | 'denyInboundUpgradedConnection'
    >
{
  readonly #options: InboundGateOptions;
  /** The group of each connection whose handshake is not over. */
  readonly #halfOpen = new Map<MultiaddrConnection, string>();

  constructor(options: InboundGateOptions) {
    this.#options = options;
  }

  denyInboundConnection = (connection: MultiaddrConnection): boolean => {
    const { limits, halfOpen, hasRecord } = this.#options;
    const group = groupOf(connection.remoteAddr);
    if (!hasRoom(halfOpen, group, [...this.#halfOpen.values()])) return true;
    // Who it is shows after the handshake. Where that does not matter a handshake is saved.
    const held = this.#held();
    if (hasRecord === undefined ? !hasRoom(limits, group, held) : held.length >= limits.places) return true;
    this.#halfOpen.set(connection, group);
    connection.addEventListener('close', () => this.#halfOpen.delete(connection), { once: true });
    return false;
  };

  denyInboundEncryptedConnection = (peer: PeerId, connection: MultiaddrConnection): boolean => {
    const { limits, hasRecord } = this.#options;
    if (hasRecord === undefined || hasRecord(peer.toString())) return false;
    return !hasRoom(limits, groupOf(connection.remoteAddr), this.#held());
  };

  denyInboundUpgradedConnection = (_peer: PeerId, connection: MultiaddrConnection): boolean => {
    this.#halfOpen.delete(connection);
    return false;
  };

  #held(): readonly string[] {
    return this.#options
      .connections()
      .filter(({ direction }) => direction === 'inbound')
      .map(({ remoteAddr }) => groupOf(remoteAddr));
  }
}

function hasRoom(limits: PlaceLimits, group: string, held: readonly string[]): boolean {
  const own = group === RELAYED ? { ...limits, perPrefix: limits.places - limits.reserve } : limits;
  return hasPlace(own, group, held);
}

function groupOf(address: Multiaddr): string {
  const isRelayed = address.getComponents().some(({ name }) => name === 'p2p-circuit' || name === 'webrtc');
  return isRelayed ? RELAYED : addressPrefix(address);
}
