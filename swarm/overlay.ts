import type { Connection, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { rankOf, type Standing, UNKNOWN } from '../protocol/standing.ts';
import { BoundedMap } from './bounded-map.ts';
import { scopeOf } from './dials/address-scope.ts';
import { type Attempt, type CandidateClass, Candidates } from './dials/candidates.ts';
import { DialFailures } from './dials/dial-failures.ts';
import { type DialRules, dialTarget, mayDial } from './dials/dial-target.ts';
import { peerIdOf } from './peer-id-of.ts';
import { addressPrefix } from './relay/fair-places.ts';
import { relayIn } from './relay-connector.ts';
import { every, type Scheduler } from './scheduler.ts';

export interface OverlayOptions {
  readonly libp2p: Pick<Libp2p, 'peerId' | 'getConnections' | 'dial'>;
  readonly scheduler: Scheduler;
  /** 0 to 1. For backoff and the choice among candidates. */
  readonly random: () => number;
  /** Direct connections to hold. */
  readonly degree: number;
  readonly isRelay: (peerId: string) => boolean;
  /** Which addresses this host and network let it dial. */
  readonly rules: Pick<DialRules, 'tcp' | 'loopback'>;
  /** What the chain says of a peer's device. Defaults to nothing. */
  readonly standingOf?: (peerId: string) => Standing;
  /** Whether a peer is of the own cohort, while that is a part of the swarm. Defaults to nobody. */
  readonly isNear?: (peerId: string) => boolean;
}

/** A dial that is under way. */
interface Dialling {
  readonly endpoint: string;
  /** Null behind a relay. */
  readonly host: string | null;
  /** Local time in ms before which no other dial goes through a relay. */
  aloneUntil: number;
}

/** Direct connections to hold within the own cohort, while that is a part of the swarm. */
const NEAR_DEGREE = 4;
/** Dials at once. */
const PARALLEL = 4;
/** Dials at once to one machine, for what new keys say. */
const PARALLEL_PER_HOST = 2;
/** TCP dials for what new keys say, to all machines together. More would let them scan through this node. */
const DIALS_FOR_NEW = { perSecond: 4, burst: 16 } as const;

/**
 * The peer with the greater id leaves the first dial to the other for so long, so that they do not dial at
 * once.
 */
const FIRST_DIAL_DELAY_MS = 8_000;

/**
 * Time in ms of each part of a dial: to the first sign of the peer, which is its handshake, and from there to
 * the connection. A tab that computes answers late, so what goes through a relay doubles with each failure.
 */
const TCP_MS = { handshake: 5_000, rest: 5_000 } as const;
const RELAYED_MS = { handshake: 10_000, mostHandshake: 20_000, webrtc: 15_000, mostWebrtc: 30_000 } as const;
/**
 * Time in ms for which a dial through a relay is the only one: from its start, and from the handshake on. Of
 * several WebRTC connections that are set up at once in one process, about one in six never hears the other's
 * answer (@libp2p/webrtc 6). One that takes longer does not hold the others up.
 */
const ALONE_MS = { handshake: 1_500, webrtc: 5_000 } as const;
/** libp2p's events after which a peer has shown its key: over TCP, and before WebRTC. */
const SHOWED_KEY: ReadonlySet<string> = new Set([
  'upgrader:multiplex-outbound-connection',
  'webrtc:open-signaling-stream',
]);

/**
 * Milliseconds after which two peers no longer open a connection each because they dialled at once: more than
 * a dial takes.
 */
const AT_ONCE_MS = 60_000;
/**
 * Milliseconds in which a peer begins anew once at most. Two machines with one key would otherwise take the
 * connection from each other with every dial.
 */
const ANEW_EACH_MS = 10_000;

/** A peer that has been silent for so long counts as gone. Peers send a hello every 10 s. */
const SILENCE_MS = 45_000;
/** Failures in a row after which an earlier connection no longer speaks for a peer. */
const FORGOTTEN_AFTER = 3;

/**
 * Whether an accepted connection says that the peer knows nothing of an older one: it has begun anew, as a
 * page does that is loaded again. A peer dials nobody to whom it has a connection.
 */
function hasBegunAnew(older: Connection, { direction, timeline }: Connection): boolean {
  if (direction !== 'inbound') return false;
  return older.direction === 'inbound' || timeline.open - older.timeline.open > AT_ONCE_MS;
}

/** Whether a connection does not lead through a relay, and so carries everything. */
export function isDirectConnection(connection: Connection): boolean {
  return connection.limits === undefined && connection.direct;
}

/**
 * Builds the mesh of direct connections, because libp2p 3 dials no peer by itself. It makes four dials at a
 * time, up to a degree and with backoff. The peer with the smaller id dials first. Of two connections to one
 * peer the older stays. Hellos of free keys decide as little as can be about whom it dials: Candidates says
 * how it chooses, DialFailures what it remembers, and `mayDial` which addresses it takes at all.
 */
export class Overlay {
  readonly #options: OverlayOptions;
  readonly #candidates: Candidates;
  readonly #failures: DialFailures;
  /** Peers that this node has dialled with success. */
  readonly #reached = new BoundedMap<string, true>(256);
  readonly #dialling = new Map<string, Dialling>();
  /** When a peer began anew last. */
  readonly #anew = new BoundedMap<string, number>(256);
  readonly #self: string;
  readonly #abort = new AbortController();
  #cancels: (() => void)[] = [];
  #soon: (() => void) | null = null;
  #dialsForNew: { readonly tokens: number; readonly at: number } = { tokens: DIALS_FOR_NEW.burst, at: 0 };

  constructor(options: OverlayOptions) {
    const { scheduler, random, libp2p } = options;
    const now = (): number => scheduler.now();
    this.#options = options;
    this.#self = libp2p.peerId.toString();
    this.#failures = new DialFailures({ now, random });
    this.#candidates = new Candidates({ now, random, hasRecord: (peerId) => this.hasRecord(peerId) });
  }

  start(): void {
    const { scheduler } = this.#options;
    this.#cancels = [
      every(scheduler, 500, () => this.#dialMore()),
      every(scheduler, 3_000, () => {
        this.#closeDuplicates();
        this.#candidates.forgetSilent(SILENCE_MS);
      }),
    ];
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#soon?.();
    this.#abort.abort();
  }

  /**
   * Remembers where a peer says that it listens, leaving out what this node does not dial. `source` is the
   * neighbour that passed the peer's hello on.
   */
  learn(peerId: string, addresses: readonly string[], source?: string): void {
    if (peerId === this.#self || this.#options.isRelay(peerId)) return;
    const nearby = this.#privatePrefixes(source === undefined ? [] : this.#connectionsOf(source));
    const targets = addresses.flatMap((text) => {
      const target = dialTarget(text, peerId);
      // A relay may come into reach later. Other addresses do not become better.
      return target !== null && (target.kind === 'relayed' || mayDial(target, this.#rules(), nearby))
        ? [target]
        : [];
    });
    this.#candidates.learn(peerId, targets, source);
    this.#dialSoon();
  }

  /** Peers that have sent their addresses, connected or not. */
  known(): readonly string[] {
    return this.#candidates.peerIds();
  }

  isDirect(peerId: string): boolean {
    return this.#connectionsOf(peerId).some(isDirectConnection);
  }

  degree(): number {
    return this.#directPeers().size;
  }

  /** Whether a peer is more than a new key: the chain knows it, or this node dialled it with success. */
  hasRecord(peerId: string): boolean {
    return this.#reached.has(peerId) || this.#isOnChain(peerId);
  }

  /**
   * Whether libp2p may dial an address, also one that it learned by itself, as from a peer's identify. Such a
   * dial counts as failed until `opened` says otherwise.
   */
  allows(address: Multiaddr): boolean {
    const relay = relayIn(address);
    if (relay !== null) return this.#rules().carries(relay);
    const peerId = address.getComponents().findLast(({ name }) => name === 'p2p')?.value ?? '';
    const target = dialTarget(address.toString(), peerId);
    if (target === null) return false;
    if ([...this.#dialling.values()].some(({ endpoint }) => endpoint === target.endpoint)) return true;
    if (!mayDial(target, this.#rules(), this.#privatePrefixes(this.#options.libp2p.getConnections())))
      return false;
    if (!this.#failures.isReady(peerId, target, this.hasRecord(peerId))) return false;
    this.#failures.charge(target);
    return true;
  }

  /**
   * Notes that a connection was opened. An older one that its peer knows nothing of is closed at once. What
   * is sent there reaches nobody, and its end would be seen only when it has been silent for long.
   */
  opened(connection: Connection): void {
    if (!isDirectConnection(connection)) return;
    const peerId = connection.remotePeer.toString();
    this.#closeLeft(peerId, connection);
    if (connection.direction !== 'outbound') return;
    const target = dialTarget(connection.remoteAddr.toString(), peerId);
    if (target !== null) this.#failures.reached(target);
  }

  /** Closes what a peer has left that has begun anew with this connection. */
  #closeLeft(peerId: string, connection: Connection): void {
    const left = this.#connectionsOf(peerId).filter(
      (older) => older !== connection && isDirectConnection(older) && hasBegunAnew(older, connection),
    );
    const now = this.#options.scheduler.now();
    const last = this.#anew.get(peerId) ?? Number.NEGATIVE_INFINITY;
    if (left.length === 0 || now - last < ANEW_EACH_MS) return;
    this.#anew.set(peerId, now);
    for (const older of left) older.abort(new Error('the peer has begun anew'));
  }

  #isOnChain(peerId: string): boolean {
    return rankOf(this.#options.standingOf?.(peerId) ?? UNKNOWN) < rankOf(UNKNOWN);
  }

  #rules(): DialRules {
    const known = new Map<string, boolean>();
    const carries = (peerId: string): boolean => {
      const kept = known.get(peerId) ?? (peerId !== '' && this.isDirect(peerId));
      known.set(peerId, kept);
      return kept;
    };
    return { ...this.#options.rules, carries };
  }

  #connectionsOf(peerId: string): readonly Connection[] {
    let id: PeerId;
    try {
      id = peerIdOf(peerId);
    } catch {
      // A multiaddr may carry the id of a kind of key that libp2p does not know.
      return [];
    }
    return this.#options.libp2p.getConnections(id);
  }

  /** Prefixes of private and link-local addresses at which this node is connected directly. */
  #privatePrefixes(connections: readonly Connection[]): ReadonlySet<string> {
    const addresses = connections.filter(isDirectConnection).map(({ remoteAddr }) => remoteAddr);
    const isPrivate = (address: Multiaddr): boolean =>
      ['private', 'link-local'].includes(scopeOf(address) ?? 'public');
    return new Set(addresses.filter(isPrivate).map(addressPrefix));
  }

  /** Peers with a direct connection, and whether this node opened it. */
  #directPeers(): ReadonlyMap<string, { readonly own: boolean }> {
    const peers = new Map<string, { readonly own: boolean }>();
    for (const connection of this.#options.libp2p.getConnections()) {
      const peerId = connection.remotePeer.toString();
      if (!isDirectConnection(connection) || this.#options.isRelay(peerId)) continue;
      peers.set(peerId, { own: connection.direction === 'outbound' || peers.get(peerId)?.own === true });
    }
    return peers;
  }

  /**
   * Whether a relay had no hand in the choice of the peer: other neighbours speak of it, or the chain does.
   */
  #isIndependent(peerId: string): boolean {
    const sources = this.#candidates.get(peerId)?.sources ?? [];
    return (
      this.#isOnChain(peerId) ||
      sources.some((source) => source !== 'unknown' && source !== peerId && !this.#options.isRelay(source))
    );
  }

  #dialSoon(): void {
    if (this.#abort.signal.aborted) return;
    this.#soon ??= this.#options.scheduler.after(0, () => {
      this.#soon = null;
      this.#dialMore();
    });
  }

  /** Begins dials while there are free slots, too few connections and candidates that are ready. */
  #dialMore(): void {
    const { degree } = this.#options;
    while (!this.#abort.signal.aborted && degree > 0 && this.#dialling.size < PARALLEL) {
      const direct = this.#directPeers();
      const own = [...direct.values()].filter((peer) => peer.own).length;
      // Strangers may fill a node with connections to it. Half of the degree it always chooses itself.
      const missing = Math.max(degree - direct.size, Math.ceil(degree / 2) - own) - this.#dialling.size;
      const needsIndependent =
        missing <= 1 && ![...direct.keys()].some((peerId) => this.#isIndependent(peerId));
      let attempt: Attempt | undefined;
      // Rounds go on among these, so they come first, and beyond the degree.
      const { isNear } = this.#options;
      if (isNear !== undefined) {
        const near = [...direct.keys(), ...this.#dialling.keys()].filter(isNear).length;
        if (near < NEAR_DEGREE) attempt = this.#draw(direct, isNear);
      }
      if (needsIndependent && (missing > 0 || this.#dialling.size === 0))
        attempt ??= this.#draw(direct, (peerId) => this.#isIndependent(peerId));
      if (missing > 0) attempt ??= this.#draw(direct, () => true);
      if (attempt === undefined) return;
      void this.#dial(attempt);
    }
  }

  #draw(direct: ReadonlyMap<string, unknown>, takes: (peerId: string) => boolean): Attempt | undefined {
    const now = this.#options.scheduler.now();
    const rules = this.#rules();
    const under = [...this.#dialling.values()];
    const mayScan = this.#refill() >= 1;
    const isReady = ({ candidate, target }: Attempt, candidateClass: CandidateClass): boolean => {
      const { peerId, learned } = candidate;
      const hasRecord = candidateClass === 'record';
      return (
        !direct.has(peerId) &&
        !this.#dialling.has(peerId) &&
        !under.some(({ endpoint }) => endpoint === target.endpoint) &&
        (this.#self < peerId || now - learned >= FIRST_DIAL_DELAY_MS) &&
        takes(peerId) &&
        this.#failures.isReady(peerId, target, hasRecord) &&
        (target.kind === 'relayed'
          ? under.every(({ aloneUntil }) => aloneUntil <= now) && rules.carries(target.relay)
          : hasRecord ||
            target.scope === 'loopback' ||
            (mayScan && under.filter(({ host }) => host === target.host).length < PARALLEL_PER_HOST))
      );
    };
    const attempt = this.#candidates.draw(isReady);
    const isForNew =
      attempt !== undefined &&
      attempt.target.kind === 'tcp' &&
      attempt.target.scope !== 'loopback' &&
      !this.hasRecord(attempt.candidate.peerId);
    if (isForNew) this.#dialsForNew = { ...this.#dialsForNew, tokens: this.#dialsForNew.tokens - 1 };
    return attempt;
  }

  #refill(): number {
    const now = this.#options.scheduler.now();
    const { tokens, at } = this.#dialsForNew;
    const more = Math.max(0, now - at) / 1000;
    this.#dialsForNew = {
      tokens: Math.min(DIALS_FOR_NEW.burst, tokens + more * DIALS_FOR_NEW.perSecond),
      at: now,
    };
    return this.#dialsForNew.tokens;
  }

  async #dial({ candidate: { peerId }, target }: Attempt): Promise<void> {
    const { endpoint } = target;
    const now = this.#options.scheduler.now();
    const isTcp = target.kind === 'tcp';
    const patience = 2 ** this.#failures.of(peerId);
    const { handshake, mostHandshake, webrtc, mostWebrtc } = RELAYED_MS;
    const dialling: Dialling = {
      endpoint,
      host: isTcp ? target.host : null,
      aloneUntil: isTcp ? 0 : now + ALONE_MS.handshake,
    };
    this.#dialling.set(peerId, dialling);
    try {
      const connection = await this.#dialWithin(target.address, {
        handshake: isTcp ? TCP_MS.handshake : Math.min(mostHandshake, handshake * patience),
        rest: isTcp ? TCP_MS.rest : Math.min(mostWebrtc, webrtc * patience),
        onHandshake: () => {
          if (!isTcp) dialling.aloneUntil = this.#options.scheduler.now() + ALONE_MS.webrtc;
        },
      });
      this.#answered(peerId, target, connection);
    } catch {
      if (this.#abort.signal.aborted) return;
      this.#failures.failed(peerId, target);
      if (this.#failures.of(peerId) >= FORGOTTEN_AFTER) this.#reached.delete(peerId);
    } finally {
      this.#dialling.delete(peerId);
      this.#dialSoon();
    }
  }

  /** Dials with a time in ms for the handshake, and another for what comes after it. */
  async #dialWithin(
    address: Multiaddr,
    times: { readonly handshake: number; readonly rest: number; readonly onHandshake: () => void },
  ): Promise<Connection> {
    const { libp2p, scheduler } = this.#options;
    const limit = new AbortController();
    const giveUp = (): void => limit.abort(new DOMException('The peer took too long.', 'TimeoutError'));
    let cancel = scheduler.after(times.handshake, giveUp);
    let isShown = false;
    const onProgress = ({ type }: { readonly type: string }): void => {
      if (isShown || !SHOWED_KEY.has(type)) return;
      isShown = true;
      cancel();
      cancel = scheduler.after(times.rest, giveUp);
      times.onHandshake();
    };
    try {
      const signal = AbortSignal.any([limit.signal, this.#abort.signal]);
      return await libp2p.dial(address, { signal, onProgress });
    } finally {
      cancel();
    }
  }

  /** Somebody answered the dial of a peer. Over TCP it may be another one, because hellos may lie. */
  #answered(peerId: string, target: Attempt['target'], connection: Connection): void {
    const remote = connection.remotePeer.toString();
    if (remote !== peerId) {
      const isDuplicate = this.#connectionsOf(remote).filter(isDirectConnection).length > 1;
      const isCandidate = this.#candidates.get(remote) !== undefined;
      if (isCandidate) this.#failures.keyFailed(peerId);
      else this.#failures.failed(peerId, target);
      if (isDuplicate || !isCandidate)
        connection.close().catch(() => connection.abort(new Error('not the peer that was dialled')));
      if (!isCandidate) return;
    }
    // The dial may have ended in the relayed connection that carries the handshake. Then the next one comes
    // soon.
    this.#failures.answered(remote, target, 2_000);
    if (this.isDirect(remote)) this.#reached.set(remote, true);
  }

  #closeDuplicates(): void {
    const byPeer = new Map<string, Connection[]>();
    for (const connection of this.#options.libp2p.getConnections()) {
      const peerId = connection.remotePeer.toString();
      if (!isDirectConnection(connection) || this.#options.isRelay(peerId)) continue;
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
