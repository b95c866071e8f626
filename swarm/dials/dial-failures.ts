import { BoundedMap } from '../bounded-map.ts';
import type { DialTarget } from './dial-target.ts';

/** Failed dials in a row, and the local time before which there is no other, milliseconds. */
interface Backoff {
  readonly failures: number;
  readonly until: number;
}

/** A number of failures that goes down by itself. */
interface Decaying {
  readonly count: number;
  readonly at: number;
}

const KEY_BACKOFF = { first: 3_000, most: 60_000 };
const ENDPOINT_BACKOFF = { first: 5_000, most: 120_000 };
/**
 * Failed dials to one machine, and to one prefix, before strangers' words about it are no longer followed.
 */
const HOST = { limit: 8, decayMs: 30_000 };
const PREFIX = { limit: 24, decayMs: 10_000 };
/** Milliseconds for which an endpoint belongs to the peer that answered there. */
const ANSWERED_MS = 10 * 60_000;

export interface DialFailuresOptions {
  /** Local time, milliseconds. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

/**
 * What dials came to, by key, by endpoint and by machine. It is kept apart from the candidates, so that a
 * peer which is forgotten and named again has not started afresh. Only a dial makes an entry, and dials take
 * time, so hellos cannot push entries out.
 */
export class DialFailures {
  readonly #options: DialFailuresOptions;
  readonly #keys = new BoundedMap<string, Backoff>(4096);
  readonly #endpoints = new BoundedMap<string, Backoff>(4096);
  readonly #hosts = new BoundedMap<string, Decaying>(2048);
  readonly #prefixes = new BoundedMap<string, Decaying>(1024);
  readonly #answered = new BoundedMap<string, { readonly peerId: string; readonly at: number }>(1024);

  constructor(options: DialFailuresOptions) {
    this.#options = options;
  }

  /** Failed dials in a row under this key. */
  of(peerId: string): number {
    return this.#keys.get(peerId)?.failures ?? 0;
  }

  /**
   * Whether the peer may be dialled there now. `hasRecord` is for peers that are more than a new key: no
   * stranger's words about their machine keep them from being dialled.
   */
  isReady(peerId: string, target: DialTarget, hasRecord: boolean): boolean {
    const now = this.#options.now();
    if ((this.#keys.get(peerId)?.until ?? 0) > now) return false;
    if ((this.#endpoints.get(target.endpoint)?.until ?? 0) > now) return false;
    const answered = this.#answered.get(target.endpoint);
    if (answered !== undefined && answered.peerId !== peerId && now - answered.at < ANSWERED_MS) return false;
    return hasRecord || !this.#isSpent(target);
  }

  /** The dial failed. A failure behind a relay says nothing of the relay's machine. */
  failed(peerId: string, target: DialTarget): void {
    this.keyFailed(peerId);
    if (target.kind === 'relayed') return;
    this.#endpoints.set(target.endpoint, this.#next(this.#endpoints.get(target.endpoint), ENDPOINT_BACKOFF));
    this.#answered.delete(target.endpoint);
    this.charge(target);
  }

  /** Counts a dial to the machine as failed until somebody answers there. */
  charge(target: DialTarget): void {
    if (target.kind === 'relayed') return;
    const at = this.#options.now();
    const host = this.#decayed(this.#hosts.get(target.host), HOST.decayMs);
    const prefix = this.#decayed(this.#prefixes.get(target.prefix), PREFIX.decayMs);
    this.#hosts.set(target.host, { count: host + 1, at });
    this.#prefixes.set(target.prefix, { count: prefix + 1, at });
  }

  /** The peer is not where its hello says, and somebody else of the swarm is. */
  keyFailed(peerId: string): void {
    this.#keys.set(peerId, this.#next(this.#keys.get(peerId), KEY_BACKOFF));
  }

  /** The peer answered there. `againAfter` is the least time in ms to the next dial of it. */
  answered(peerId: string, target: DialTarget, againAfter: number): void {
    const now = this.#options.now();
    this.#keys.set(peerId, { failures: 0, until: now + againAfter });
    this.#endpoints.delete(target.endpoint);
    this.#answered.set(target.endpoint, { peerId, at: now });
    this.reached(target);
  }

  /** Somebody answered at the machine. */
  reached(target: DialTarget): void {
    if (target.kind === 'tcp') this.#hosts.delete(target.host);
  }

  /** Whether so many dials to the machine failed that a stranger's word about it is no longer followed. */
  #isSpent(target: DialTarget): boolean {
    // On a local network all peers share this machine's own address.
    if (target.kind === 'relayed' || target.scope === 'loopback') return false;
    return (
      this.#decayed(this.#hosts.get(target.host), HOST.decayMs) >= HOST.limit ||
      this.#decayed(this.#prefixes.get(target.prefix), PREFIX.decayMs) >= PREFIX.limit
    );
  }

  #next(
    last: Backoff | undefined,
    { first, most }: { readonly first: number; readonly most: number },
  ): Backoff {
    const failures = (last?.failures ?? 0) + 1;
    const wait = Math.min(most, first * 2 ** (failures - 1)) * (0.5 + this.#options.random());
    return { failures, until: this.#options.now() + wait };
  }

  #decayed(entry: Decaying | undefined, decayMs: number): number {
    if (entry === undefined) return 0;
    return Math.max(0, entry.count - (this.#options.now() - entry.at) / decayMs);
  }
}
