import type { Connection, ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { groupedBy, pickOne } from '../dials/fair-choice.ts';
import { addressPrefix, hasPlace, type PlaceLimits } from './fair-places.ts';

export interface InboundGateOptions {
  /** Connections that others open. */
  readonly limits: PlaceLimits;
  /** Those of them whose handshake is not over. */
  readonly halfOpen: PlaceLimits;
  readonly connections: () => readonly Connection[];
  /** Local time, milliseconds from the Unix epoch. */
  readonly now: () => number;
  /** Without it places are first come within their limits, and no handshake is made for one that has none. */
  readonly members?: MemberOptions;
}

export interface MemberOptions {
  /** Whether a peer is more than a new key, so that only `places` limits it. */
  readonly hasRecord: (peerId: string) => boolean;
  /** 0 to 1. Chooses the stranger that makes room for another. */
  readonly random: () => number;
}

/** A connection whose handshake is not over. */
interface Handshake {
  readonly group: string;
  /** The peer that a relay vouches for. Null for a connection that comes through none. */
  readonly peer: string | null;
  /** Local time at which it began, milliseconds. */
  readonly since: number;
}

/** Peers that come through a relay have no address of their own. They share the places before the reserve. */
const RELAYED = 'relayed';
/**
 * Connections of one peer, and those of them whose handshake is not over where a relay vouches for the peer.
 */
const PER_PEER = { open: 4, halfOpen: 2 } as const;
/** Milliseconds that a stranger's connection has before another's may take its place. */
const TURN_MS = 30_000;
/** Milliseconds after which a handshake counts as over, because libp2p gives it up after 30 s. */
const HANDSHAKE_MS = 35_000;
/** Least time in ms between two replacements. */
const REPLACE_EVERY_MS = 1_000;

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
  readonly #halfOpen = new Map<MultiaddrConnection, Handshake>();
  #lastReplaced = Number.NEGATIVE_INFINITY;

  constructor(options: InboundGateOptions) {
    this.#options = options;
  }

  denyInboundConnection = (connection: MultiaddrConnection): boolean => {
    const { limits, halfOpen, members, now } = this.#options;
    const group = groupOf(connection.remoteAddr);
    const peer = group === RELAYED ? peerIn(connection.remoteAddr) : null;
    for (const [other, { since }] of this.#halfOpen) {
      if (now() - since >= HANDSHAKE_MS) this.#halfOpen.delete(other);
    }
    const pending = [...this.#halfOpen.values()];
    if (
      !hasRoom(
        halfOpen,
        group,
        pending.map((other) => other.group),
      )
    )
      return true;
    if (peer !== null && pending.filter((other) => other.peer === peer).length >= PER_PEER.halfOpen)
      return true;
    if (members === undefined && !hasRoom(limits, group, this.#held().map(groupOfConnection))) return true;
    this.#halfOpen.set(connection, { group, peer, since: now() });
    connection.addEventListener('close', () => this.#halfOpen.delete(connection), { once: true });
    return false;
  };

  denyInboundEncryptedConnection = (peer: PeerId, connection: MultiaddrConnection): boolean => {
    const { limits, members } = this.#options;
    if (members === undefined) return false;
    const held = this.#held();
    if (held.filter(({ remotePeer }) => remotePeer.equals(peer)).length >= PER_PEER.open) return true;
    const group = groupOf(connection.remoteAddr);
    const fits = members.hasRecord(peer.toString())
      ? held.length < limits.places
      : hasRoom(limits, group, held.map(groupOfConnection));
    return !fits && !this.#makeRoom(group, held, members);
  };

  denyInboundUpgradedConnection = (_peer: PeerId, connection: MultiaddrConnection): boolean => {
    this.#halfOpen.delete(connection);
    return false;
  };

  #held(): readonly Connection[] {
    return this.#options.connections().filter(({ direction }) => direction === 'inbound');
  }

  /**
   * Ends a stranger's connection that had its turn: one of the same group where that has all it may have, or
   * else one of the largest group. A random one, so that nobody keeps a place by having come first.
   */
  #makeRoom(group: string, held: readonly Connection[], { hasRecord, random }: MemberOptions): boolean {
    const { now } = this.#options;
    if (now() - this.#lastReplaced < REPLACE_EVERY_MS) return false;
    const groups = [...groupedBy(held, (connection) => [groupOfConnection(connection)])];
    const own = groups.find(([name]) => name === group)?.[1] ?? [];
    const largest = groups.map(([, all]) => all).toSorted((a, b) => b.length - a.length)[0] ?? [];
    const from = own.length >= perGroup(this.#options.limits, group) ? own : largest;
    const victim = pickOne(
      from.filter(
        ({ remotePeer, timeline }) => now() - timeline.open >= TURN_MS && !hasRecord(remotePeer.toString()),
      ),
      random,
    );
    if (victim === undefined) return false;
    this.#lastReplaced = now();
    victim.abort(new Error('Another peer has the place.'));
    return true;
  }
}

function perGroup(limits: PlaceLimits, group: string): number {
  return group === RELAYED ? limits.places - limits.reserve : limits.perPrefix;
}

function hasRoom(limits: PlaceLimits, group: string, held: readonly string[]): boolean {
  return hasPlace({ ...limits, perPrefix: perGroup(limits, group) }, group, held);
}

function groupOfConnection({ remoteAddr }: Connection): string {
  return groupOf(remoteAddr);
}

function groupOf(address: Multiaddr): string {
  const isRelayed = address.getComponents().some(({ name }) => name === 'p2p-circuit' || name === 'webrtc');
  return isRelayed ? RELAYED : addressPrefix(address);
}

/** The peer that an address names at its end. */
function peerIn(address: Multiaddr): string | null {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value ?? null;
}
