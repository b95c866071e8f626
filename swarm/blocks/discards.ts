import type { VersionPlace } from '../messages/block-announcement.ts';
import type { BlockStore, HeldVersion } from './block-store.ts';
import { placeKey } from './place-key.ts';

/** Milliseconds between the last announcement of a version and its deletion. */
const LET_GO_MS = 10_000;
/** Milliseconds for which chunks are kept that belong to no version here. */
const LEFTOVER_MS = 600_000;

/**
 * Deletes what a device no longer keeps. A version is announced no longer some seconds before it goes, so
 * that nobody counts on it or takes the device for a liar. Chunks of a fetch that was cut short wait for the
 * fetch to go on.
 */
export class Discards {
  readonly #store: BlockStore;
  readonly #now: () => number;
  /** Versions that will be deleted, with when that was decided. */
  readonly #letGo = new Map<string, number>();
  /** Content without a version, with when it was first seen so. */
  readonly #leftovers = new Map<string, number>();

  constructor(store: BlockStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Whether a version is about to be deleted, and must not be announced. */
  has(place: VersionPlace): boolean {
    return this.#letGo.has(placeKey(place));
  }

  /** Deletes whatever has waited long enough. `fetching` are contents that are being fetched. */
  async discard(isKept: (version: HeldVersion) => boolean, fetching: ReadonlySet<string>): Promise<void> {
    for (const version of this.#store.versions()) {
      const key = placeKey(version);
      if (isKept(version)) this.#letGo.delete(key);
      else if (this.#hasWaited(this.#letGo, key, LET_GO_MS)) await this.#store.remove(version);
    }
    const kept = new Set([...fetching, ...this.#store.versions().map(({ version }) => version)]);
    for (const cid of [...this.#leftovers.keys()]) if (kept.has(cid)) this.#leftovers.delete(cid);
    for (const cid of this.#store.content.cids()) {
      if (!kept.has(cid) && this.#hasWaited(this.#leftovers, cid, LEFTOVER_MS)) {
        await this.#store.content.delete(cid);
      }
    }
  }

  /** Whether so many milliseconds have passed since this was first asked. If so, it is forgotten. */
  #hasWaited(since: Map<string, number>, key: string, ms: number): boolean {
    const first = since.get(key) ?? this.#now();
    if (this.#now() - first < ms) {
      since.set(key, first);
      return false;
    }
    since.delete(key);
    return true;
  }
}
