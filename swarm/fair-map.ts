interface Entry<V> {
  value: V;
  rank: number;
  group: string;
  at: number;
}

export interface FairMapOptions {
  readonly limit: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Milliseconds after which an entry that was not set again counts as left behind. Defaults to 60,000. */
  readonly silentMs?: number;
}

/** Whoever set an entry, and how well it is known. */
export interface Placing {
  /** 0 is known best. Entries of a lower rank are dropped after those of a higher one. */
  readonly rank: number;
  /** Those who share places: an owner, or the neighbour that an entry came through. */
  readonly group: string;
}

/**
 * A map of at most `limit` entries in which nobody gets a place by being first or last. One entry too many
 * drops an entry of the highest rank: the one left behind longest, or else the oldest one of the group that
 * has most entries of that rank. So a group that sets entry after entry drops its own.
 */
export class FairMap<K, V> {
  readonly #entries = new Map<K, Entry<V>>();
  /** Entries by rank and group, oldest first. */
  readonly #groups = new Map<string, Set<K>>();
  readonly #options: FairMapOptions;

  constructor(options: FairMapOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  set(key: K, value: V, { rank, group }: Placing): void {
    this.delete(key);
    this.#entries.set(key, { value, rank, group, at: this.#options.now() });
    const name = `${rank} ${group}`;
    const keys = this.#groups.get(name) ?? new Set<K>();
    this.#groups.set(name, keys.add(key));
    if (this.#entries.size > this.#options.limit) this.#dropOne();
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const name = `${entry.rank} ${entry.group}`;
    const keys = this.#groups.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#groups.delete(name);
  }

  *values(): IterableIterator<V> {
    for (const { value } of this.#entries.values()) yield value;
  }

  #dropOne(): void {
    const { now, silentMs = 60_000 } = this.#options;
    let worst = -1;
    let largest: Set<K> | undefined;
    let oldest: { readonly key: K; readonly at: number } | undefined;
    for (const keys of this.#groups.values()) {
      const [key] = keys;
      const entry = key === undefined ? undefined : this.#entries.get(key);
      if (key === undefined || entry === undefined || entry.rank < worst) continue;
      if (entry.rank > worst) {
        worst = entry.rank;
        largest = undefined;
        oldest = undefined;
      }
      if (largest === undefined || keys.size > largest.size) largest = keys;
      if (oldest === undefined || entry.at < oldest.at) oldest = { key, at: entry.at };
    }
    const isLeftBehind = oldest !== undefined && now() - oldest.at > silentMs;
    const [first] = largest ?? [];
    const dropped = isLeftBehind ? oldest?.key : first;
    if (dropped !== undefined) this.delete(dropped);
  }
}
