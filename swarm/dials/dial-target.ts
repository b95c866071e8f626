import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { addressPrefix } from '../relay/fair-places.ts';
import { type AddressScope, scopeOf } from './address-scope.ts';

/** TCP at an IP address. */
export interface TcpTarget {
  readonly kind: 'tcp';
  /** Without the peer's id, so that whoever listens there can answer. */
  readonly address: Multiaddr;
  /** Host and port. */
  readonly endpoint: string;
  readonly host: string;
  readonly prefix: string;
  readonly scope: AddressScope;
}

/** WebRTC, with its handshake through a relay. */
export interface RelayedTarget {
  readonly kind: 'relayed';
  readonly address: Multiaddr;
  /** The relay and the peer. */
  readonly endpoint: string;
  /** PeerId of the relay. */
  readonly relay: string;
}

/** One address of one peer, in a form that peers of the swarm listen on. */
export type DialTarget = TcpTarget | RelayedTarget;

/** What this node may dial. */
export interface DialRules {
  /** Whether this host has TCP, as Node has and a tab has not. */
  readonly tcp: boolean;
  /** Whether the network is on this machine, so that its peers listen on loopback and private addresses. */
  readonly loopback: boolean;
  /** Whether a handshake may go through the peer now: a connected relay of the network, or a neighbour. */
  readonly carries: (peerId: string) => boolean;
}

/**
 * What an address in a peer's hello stands for. Null for one that no peer of the swarm listens on: a name
 * (it may resolve to anything), a WebSocket (only relays listen on one, and the network file names them), a
 * socket file, a path, another peer's address, or an IP address of no single machine.
 */
export function dialTarget(text: string, peerId: string): DialTarget | null {
  const address = parse(text);
  if (address === null) return null;
  const parts = address.getComponents();
  const names = parts.map(({ name }) => name).join('/');
  const isComplete = parts.at(-1)?.name === 'p2p' && parts.at(-1)?.value === peerId;
  if (names.endsWith('p2p/p2p-circuit/webrtc/p2p') && isComplete) {
    const relay = parts.at(-4)?.value ?? '';
    // The way to the relay is this node's own, never the one that the hello names.
    return {
      kind: 'relayed',
      address: multiaddr(`/p2p/${relay}/p2p-circuit/webrtc/p2p/${peerId}`),
      endpoint: `${relay} ${peerId}`,
      relay,
    };
  }
  if (!/^ip[46]\/tcp(\/p2p)?$/.test(names) || (parts.length === 3 && !isComplete)) return null;
  const listener = multiaddr(parts.slice(0, 2));
  const scope = scopeOf(listener);
  const [ip, tcp] = parts;
  if (scope === null || scope === 'special' || ip?.value === undefined || Number(tcp?.value) === 0)
    return null;
  return {
    kind: 'tcp',
    address: listener,
    endpoint: listener.toString(),
    host: ip.value,
    prefix: addressPrefix(listener),
    scope,
  };
}

/**
 * Whether the rules let this node dial the target. `nearby` has the prefixes of private addresses at which
 * this node reaches whoever told it of the target. A private address means another machine on every network,
 * so it is dialled only when both ends are on the same one.
 */
export function mayDial(target: DialTarget, rules: DialRules, nearby: ReadonlySet<string>): boolean {
  if (target.kind === 'relayed') return rules.carries(target.relay);
  if (!rules.tcp) return false;
  if (target.scope === 'public' || rules.loopback) return true;
  return target.scope !== 'loopback' && nearby.has(target.prefix);
}

function parse(text: string): Multiaddr | null {
  try {
    return multiaddr(text);
  } catch {
    return null;
  }
}
