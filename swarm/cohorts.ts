import type { DeviceAddress } from '../protocol/hex.ts';
import { BoundedMap } from './bounded-map.ts';
import { cohortPath, MOST_LEVELS } from './cohort-path.ts';
import { publicKeyOf } from './device-of-peer.ts';
import type { Origin } from './messages/validator.ts';
import type { Scheduler } from './scheduler.ts';

/** Members of a cohort beyond which it is halved, and below which it goes back into the one around it. */
export const COHORT_SIZE = { most: 24, least: 6 };
/** The part of a full cohort from which on its halves are listened to. */
const NEARLY_FULL = 3 / 4;
/** Milliseconds between two changes of a device's level. */
const DWELL_MS = 30_000;
/** Milliseconds after its start in which a device takes the level of those that it hears. */
const FINDING_MS = 30_000;
/**
 * Milliseconds after which a member that was not heard again counts as gone: three hellos of a full cohort.
 */
const SILENT_MS = 60_000;
const MOST_REMEMBERED = 2_048;
/** Devices of one owner that count as members. */
const DEVICES_EACH = 4;

/** A member by its last hello. */
interface Heard {
  readonly path: string;
  /** Whether the chain knows it. */
  readonly isKnown: boolean;
  /** Its owner, or itself. */
  readonly account: string;
  /** Level of the own path at which the hello came. */
  readonly level: number;
  readonly at: number;
}

export interface CohortsOptions {
  readonly networkId: string;
  /** 33-byte compressed device key. */
  readonly publicKey: Uint8Array;
  readonly scheduler: Scheduler;
  /** Defaults to 0: the whole swarm is one cohort. */
  readonly level?: number;
  /** Members beyond which a cohort is halved, and below which it is none. Defaults to `COHORT_SIZE`. */
  readonly sizes?: { readonly most: number; readonly least: number };
}

/**
 * Which part of a swarm a device takes part in. A swarm of at most 24 is one cohort. A larger one is halved
 * by the members' keys until no cohort has more, so what a member hears does not grow with the swarm. Each
 * device decides for itself by the hellos that it hears, and listens one level up and one level down, because
 * others decide a little sooner or later (docs/protocol.md, [P-190] to [P-193]).
 */
export class Cohorts {
  readonly #options: CohortsOptions;
  readonly #path: string;
  readonly #heard = new BoundedMap<DeviceAddress, Heard>(MOST_REMEMBERED);
  readonly #began: number;
  readonly #sizes: NonNullable<CohortsOptions['sizes']>;
  readonly #near = new BoundedMap<string, string>(MOST_REMEMBERED);
  #isWhole = false;
  #changedAt = Number.NEGATIVE_INFINITY;
  #level: number;

  constructor(options: CohortsOptions) {
    this.#options = options;
    this.#path = cohortPath(options.networkId, options.publicKey);
    this.#level = options.level ?? 0;
    this.#sizes = options.sizes ?? COHORT_SIZE;
    this.#began = options.scheduler.now();
  }

  /** How often the swarm is halved down to the own cohort. */
  get level(): number {
    return this.#level;
  }

  /** The own cohort's path. Empty while the whole swarm is one cohort. */
  get own(): string {
    return this.#path.slice(0, this.#level);
  }

  /** Members of the own cohort, with this device. */
  get size(): number {
    return this.#sizeOf(this.own);
  }

  /** Members of the whole swarm, as one cohort lets guess. */
  get swarmSize(): number {
    return this.size * 2 ** this.#level;
  }

  /**
   * Whether a peer is of the own cohort, while that is a part of the swarm. Nobody is near otherwise, because
   * nobody is farther.
   */
  isNear(peerId: string): boolean {
    if (this.#level === 0) return false;
    const kept = this.#near.get(peerId);
    if (kept !== undefined) return kept.startsWith(this.own);
    const publicKey = publicKeyOf(peerId);
    const path = publicKey === null ? '-' : cohortPath(this.#options.networkId, publicKey);
    this.#near.set(peerId, path);
    return path.startsWith(this.own);
  }

  /** Stays with the whole swarm from now on. A model in blocks needs everybody to know everybody. */
  keepWhole(): void {
    this.#isWhole = true;
    this.#level = 0;
  }

  /** Whether a device is of the own cohort. `publicKey` has 33 bytes. */
  isMine(publicKey: Uint8Array): boolean {
    return cohortPath(this.#options.networkId, publicKey).startsWith(this.own);
  }

  /**
   * Paths of the cohorts that the device listens to: the own one, the one around it and both halves of it.
   * The empty path is the whole swarm. While it looks for its cohort, also those of its path that a neighbour
   * follows.
   */
  followed(isFollowed: (path: string) => boolean): ReadonlySet<string> {
    const level = this.#level;
    const paths = [this.own];
    if (level > 0) paths.push(this.#path.slice(0, level - 1));
    if (level < MOST_LEVELS && this.size >= NEARLY_FULL * this.#sizes.most)
      paths.push(`${this.own}0`, `${this.own}1`);
    if (this.#isFinding())
      for (let deeper = 1; deeper <= MOST_LEVELS; deeper++) {
        const path = this.#path.slice(0, deeper);
        if (isFollowed(path)) paths.push(path);
      }
    return new Set(paths);
  }

  /** Notes a hello that was accepted, and in which cohort it came. The empty path is the whole swarm. */
  heard(
    hello: { readonly author: DeviceAddress; readonly from: Uint8Array },
    { authorClass, account }: Pick<Origin, 'authorClass' | 'account'>,
    cohort: string,
  ): void {
    const { scheduler, networkId } = this.#options;
    const path = cohortPath(networkId, hello.from);
    // Of others only those matter that are in the cohort around the own one.
    if (path.startsWith(this.#path.slice(0, Math.max(0, this.#level - 1))))
      this.#heard.set(hello.author, {
        path,
        isKnown: authorClass === 'bound' || authorClass === 'known',
        account,
        level: this.#path.startsWith(cohort) ? cohort.length : 0,
        at: scheduler.now(),
      });
  }

  /** Halves or joins cohorts where that is due. Returns whether the own one changed. Call it every second. */
  decide(): boolean {
    const now = this.#options.scheduler.now();
    if (this.#isWhole) return false;
    // A newcomer goes down to where the others are. Later the number of members alone decides.
    const others = this.#isFinding() ? this.#levelOfOthers() : 0;
    if (others > this.#level) {
      this.#level = others;
      return true;
    }
    if (now - this.#changedAt < DWELL_MS) return false;
    const { size } = this;
    const more = size > this.#sizes.most && this.#level < MOST_LEVELS;
    const fewer = size < this.#sizes.least && this.#level > 0 && !this.#isFinding();
    if (!more && !fewer) return false;
    this.#level += more ? 1 : -1;
    this.#changedAt = now;
    return true;
  }

  #isFinding(): boolean {
    return this.#options.scheduler.now() - this.#began < FINDING_MS;
  }

  /** The level at which most others say hello: those that the chain knows, or all while it knows nobody. */
  #levelOfOthers(): number {
    const heard = [...this.#heard.values()];
    const known = heard.filter(({ isKnown }) => isKnown);
    const counts = new Map<number, number>();
    let most = 0;
    for (const { level } of known.length > 0 ? known : heard) {
      counts.set(level, (counts.get(level) ?? 0) + 1);
      if ((counts.get(level) ?? 0) > (counts.get(most) ?? 0)) most = level;
    }
    return most;
  }

  #sizeOf(cohort: string): number {
    const oldest = this.#options.scheduler.now() - SILENT_MS;
    let strangers = 0;
    // The device itself is one.
    let known = 1;
    const devices = new Map<string, number>();
    for (const { path, isKnown, account, at } of this.#heard.values()) {
      if (at < oldest || !path.startsWith(cohort)) continue;
      if (!isKnown) strangers++;
      else {
        const before = devices.get(account) ?? 0;
        // One owner's devices halve nobody's cohort either.
        if (before < DEVICES_EACH) known++;
        devices.set(account, before + 1);
      }
    }
    // Keys are free, so strangers halve nobody's cohort.
    return known + Math.min(strangers, Math.max(0, this.#sizes.most - known));
  }
}
