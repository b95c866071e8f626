import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { WebRTC } from '@multiformats/multiaddr-matcher';
import type { Libp2p } from 'libp2p';
import { BoundedMap } from './bounded-map.ts';
import { deadline, every, type Scheduler } from './scheduler.ts';

export interface OverlayOptions {
  readonly libp2p: Pick<Libp2p, 'peerId' | 'getConnections' | 'dial'>;
  readonly scheduler: Scheduler;
  /** 0 to 1. For backoff and the choice among candidates. */
  readonly random: () => number;
  /** Direct connections to hold. */
  readonly degree: number;
  readonly isRelay: (peerId: string) => boolean;
}

interface Candidate {
  readonly addresses: readonly Multiaddr[];
  readonly learned: number;
  /** When the peer last sent its addresses. */
  readonly lastSeen: number;
  failures: number;
  nextDial: number;
}

/**
 * The peer with the greater id leaves the first dial to the other for so long, so that they do not dial at
 * once.
 */
const FIRST_DIAL_DELAY_MS = 8_000;

/** A peer that has been silent for so long counts as gone. Peers send a hello every 10 s. */
const SILENCE_MS = 45_000;

/** Whether a connection does not lead through a relay, and so carries everything. */
export function isDirectConnection(connection: Connection): boolean {
  return connection.limits === undefined && connection.direct;
}

/**
 * Builds the mesh of direct connections, because libp2p 3 dials no peer by itself. It makes one dial at a
 * time, up to a degree and with backoff. The peer with the smaller id dials first. Of two connections to one
 * peer the older stays.
 */
export class Overlay {
  readonly #options: OverlayOptions;
  readonly #candidates = new BoundedMap<string, Candidate>(512);
  readonly #self: string;
  readonly #abort = new AbortController();
  #cancels: (() => void)[] = [];
  #dialling = false;

  constructor(options: OverlayOptions) {
    this.#options = options;
    this.#self = options.libp2p.peerId.toString();
  }

  start(): void {
    const { scheduler } = this.#options;
    this.#cancels = [
      every(scheduler, 500, () => void this.#dialNext()),
      every(scheduler, 3_000, () => {
        this.#closeDuplicates();
        this.#forgetSilent();
      }),
    ];
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#abort.abort();
  }

  /** Remembers where a peer listens. Leaves out addresses that are no multiaddr or name another peer. */
  learn(peerId: string, addresses: readonly string[]): void {
    if (peerId === this.#self || this.#options.isRelay(peerId)) return;
    const known = this.#candidates.get(peerId);
    this.#candidates.set(peerId, {
      addresses: addresses.flatMap((text) => ofPeer(text, peerId)),
      learned: known?.learned ?? this.#options.scheduler.now(),
      lastSeen: this.#options.scheduler.now(),
      failures: known?.failures ?? 0,
      nextDial: known?.nextDial ?? 0,
    });
    void this.#dialNext();
  }

  /** Peers that have sent their addresses, connected or not. */
  known(): readonly string[] {
    return [...this.#candidates.entries()].map(([peerId]) => peerId);
  }

  isDirect(peerId: string): boolean {
    return this.#options.libp2p.getConnections(peerIdFromString(peerId)).some(isDirectConnection);
  }

  degree(): number {
    return new Set(this.#directConnections().map(({ remotePeer }) => remotePeer.toString())).size;
  }

  #directConnections(): readonly Connection[] {
    return this.#options.libp2p
      .getConnections()
      .filter(
        (connection) =>
          isDirectConnection(connection) && !this.#options.isRelay(connection.remotePeer.toString()),
      );
  }

  async #dialNext(): Promise<void> {
    const { libp2p, scheduler, random, degree } = this.#options;
    if (this.#dialling || this.#abort.signal.aborted || this.degree() >= degree) return;
    const now = scheduler.now();
    const ready = [...this.#candidates.entries()].filter(
      ([peerId, candidate]) =>
        candidate.addresses.length > 0 &&
        candidate.nextDial <= now &&
        (this.#self < peerId || now - candidate.learned >= FIRST_DIAL_DELAY_MS) &&
        !this.isDirect(peerId),
    );
    const chosen = ready[Math.floor(random() * ready.length)];
    if (chosen === undefined) return;
    const [, candidate] = chosen;
    this.#dialling = true;
    const limit = deadline(scheduler, 30_000, this.#abort.signal);
    try {
      await libp2p.dial([...candidate.addresses], { signal: limit.signal });
      candidate.failures = 0;
      // The dial may have ended in the relayed connection that carries the handshake. Then the next one comes
      // soon.
      candidate.nextDial = scheduler.now() + 2_000;
    } catch {
      candidate.failures++;
      const backoff = Math.min(60_000, 1_500 * 2 ** candidate.failures);
      candidate.nextDial = scheduler.now() + backoff * (0.5 + random());
    } finally {
      limit.release();
      this.#dialling = false;
    }
  }

  #forgetSilent(): void {
    const now = this.#options.scheduler.now();
    for (const [peerId, { lastSeen }] of [...this.#candidates.entries()]) {
      if (now - lastSeen > SILENCE_MS) this.#candidates.delete(peerId);
    }
  }

  #closeDuplicates(): void {
    const byPeer = new Map<string, Connection[]>();
    for (const connection of this.#directConnections()) {
      const peerId = connection.remotePeer.toString();
      byPeer.set(peerId, [...(byPeer.get(peerId) ?? []), connection]);
    }
    for (const [peerId, connections] of byPeer) {
      // One side decides, or both would close a different one.
      if (connections.length < 2 || this.#self > peerId) continue;
      const newer = connections.sort((a, b) => a.timeline.open - b.timeline.open).slice(1);
      for (const connection of newer)
        connection.close().catch(() => connection.abort(new Error('duplicate')));
    }
  }
}

function ofPeer(text: string, peerId: string): readonly Multiaddr[] {
  try {
    const address = multiaddr(text);
    const last = address.getComponents().at(-1);
    const complete = last?.name === 'p2p' && last.value === peerId;
    // A relay's own /p2p/ part may come last in a circuit address, so only a bare address is completed.
    if (!complete && (last?.name === 'p2p' || WebRTC.matches(address))) return [];
    return [complete ? address : address.encapsulate(`/p2p/${peerId}`)];
  } catch {
    return [];
  }
}
