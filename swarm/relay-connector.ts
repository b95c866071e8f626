import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { WebSockets, WebSocketsSecure } from '@multiformats/multiaddr-matcher';
import type { Libp2p } from 'libp2p';
import { messageOf } from '../protocol/message-of.ts';
import { peerIdOf } from './peer-id-of.ts';
import type { RelayState, RelayView } from './peers.ts';
import { deadline, every, type Scheduler } from './scheduler.ts';

/** A relay address cannot be used. The message says what it lacks. */
export class RelayAddressError extends Error {
  override readonly name = 'RelayAddressError';
}

export interface RelayTarget {
  readonly peerId: string;
  readonly addresses: readonly Multiaddr[];
}

interface Relay extends RelayTarget {
  state: RelayState;
  failures: number;
  cause: string | null;
  nextDial: number;
}

/** Keeps a connection to each of several relays. libp2p itself gives a relay up after five tries. */
export class RelayConnector {
  readonly #libp2p: Libp2p;
  readonly #scheduler: Scheduler;
  readonly #relays: readonly Relay[];
  readonly #changed: () => void;
  readonly #abort = new AbortController();
  #cancel: (() => void) | null = null;

  constructor(libp2p: Libp2p, targets: readonly RelayTarget[], scheduler: Scheduler, changed: () => void) {
    this.#libp2p = libp2p;
    this.#scheduler = scheduler;
    this.#changed = changed;
    this.#relays = targets.map((target) => ({
      ...target,
      state: 'unreachable',
      failures: 0,
      cause: null,
      nextDial: 0,
    }));
  }

  start(): void {
    this.#cancel = every(this.#scheduler, 2_000, () => this.#tick());
    this.#tick();
  }

  stop(): void {
    this.#cancel?.();
    this.#abort.abort();
  }

  has(peerId: string): boolean {
    return this.#relays.some((relay) => relay.peerId === peerId);
  }

  /**
   * Whether an address is one that the network names for a relay. A `dnsaddr` stands for any of its relay's.
   */
  hasAddress(address: Multiaddr): boolean {
    const text = address.toString();
    const last = address.getComponents().at(-1);
    return this.#relays.some(
      ({ peerId, addresses }) =>
        last?.name === 'p2p' &&
        last.value === peerId &&
        !text.includes('/p2p-circuit') &&
        addresses.some((own) => own.toString() === text || own.toString().startsWith('/dnsaddr/')),
    );
  }

  views(): readonly RelayView[] {
    return this.#relays.map(({ peerId, addresses, state, failures, cause }) => ({
      peerId,
      addresses: addresses.map(String),
      state,
      failures,
      cause,
    }));
  }

  #tick(): void {
    for (const relay of this.#relays) {
      const connected = this.#libp2p.getConnections(peerIdOf(relay.peerId)).length > 0;
      if (connected) {
        relay.failures = 0;
        relay.cause = null;
        this.#set(relay, 'connected');
      } else if (relay.state === 'connected') {
        this.#set(relay, 'unreachable');
        relay.nextDial = this.#scheduler.now();
      }
      if (!connected && relay.state !== 'connecting' && this.#scheduler.now() >= relay.nextDial)
        void this.#dial(relay);
    }
  }

  async #dial(relay: Relay): Promise<void> {
    this.#set(relay, 'connecting');
    const limit = deadline(this.#scheduler, 10_000, this.#abort.signal);
    try {
      await this.#libp2p.dial([...relay.addresses], { signal: limit.signal });
      relay.failures = 0;
      relay.cause = null;
      this.#set(relay, 'connected');
    } catch (error) {
      relay.failures++;
      relay.cause = messageOf(error);
      relay.nextDial = this.#scheduler.now() + Math.min(15_000, 1_000 * 2 ** relay.failures);
      this.#set(relay, 'unreachable');
    } finally {
      limit.release();
    }
  }

  #set(relay: Relay, state: RelayState): void {
    if (relay.state === state) return;
    relay.state = state;
    if (!this.#abort.signal.aborted) this.#changed();
  }
}

/**
 * Groups relay addresses by relay. Throws RelayAddressError for one that is no multiaddr or does not end in
 * /p2p/<peer id>.
 */
export function groupRelays(addresses: readonly string[]): readonly RelayTarget[] {
  const relays = new Map<string, Multiaddr[]>();
  for (const text of addresses) {
    const address = parse(text);
    const id = address.getComponents().findLast(({ name }) => name === 'p2p')?.value;
    if (id === undefined)
      throw new RelayAddressError(`The relay address ${text} lacks its /p2p/<peer id> at the end.`);
    relays.set(id, [...(relays.get(id) ?? []), address]);
  }
  // Node 20 has no WebSocket to dial with, so it uses the other addresses of a relay.
  const canDial = (address: Multiaddr): boolean =>
    typeof globalThis.WebSocket === 'function' ||
    !(WebSockets.matches(address) || WebSocketsSecure.matches(address));
  return [...relays].map(([peerId, all]) => {
    const dialable = all.filter(canDial);
    return { peerId, addresses: dialable.length > 0 ? dialable : all };
  });
}

/** PeerId of the relay that an address leads through. Null for one that leads through none. */
export function relayIn(address: Multiaddr): string | null {
  const parts = address.getComponents();
  const circuit = parts.findIndex(({ name }) => name === 'p2p-circuit');
  return circuit < 0 ? null : (parts[circuit - 1]?.value ?? '');
}

function parse(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch {
    throw new RelayAddressError(
      `${text} is not a multiaddr such as /dns4/relay.example/tcp/443/wss/p2p/16Uiu2….`,
    );
  }
}
