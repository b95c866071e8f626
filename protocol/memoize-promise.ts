/** What a memo keeps, and how much. */
export interface PromiseMemoOptions<Value> {
  /** Whether a resolved value may be returned again. Defaults to every value. */
  readonly keep?: (value: Value) => boolean;
  /** Most keys kept at a time; the least recently used go first. Defaults to no limit. */
  readonly limit?: number;
}

/**
 * Promises by key, shared by everybody who asks for the same key. A promise that rejects is forgotten, and so
 * is one whose value `keep` refuses: the next call for that key tries again.
 */
export class PromiseMemo<Key, Value> {
  readonly #options: PromiseMemoOptions<Value>;
  readonly #promises = new Map<Key, Promise<Value>>();

  constructor(options: PromiseMemoOptions<Value> = {}) {
    this.#options = options;
  }

  /** The promise of `key`: the one kept or in progress, else the one that `load` returns now. */
  get(key: Key, load: () => Promise<Value>): Promise<Value> {
    const known = this.#promises.get(key);
    const promise = known ?? load();
    // A Map iterates in order of insertion: inserting again makes this key the most recently used.
    this.#promises.delete(key);
    this.#promises.set(key, promise);
    if (known === undefined) this.#forgetUnlessKept(key, promise);
    this.#evict();
    return promise;
  }

  /** Forgets every key. Promises in progress still settle for those who hold them. */
  clear(): void {
    this.#promises.clear();
  }

  #forgetUnlessKept(key: Key, promise: Promise<Value>): void {
    const { keep } = this.#options;
    const forget = (): void => {
      // Another promise may have taken the place meanwhile.
      if (this.#promises.get(key) === promise) this.#promises.delete(key);
    };
    promise.then((value) => {
      if (keep?.(value) === false) forget();
    }, forget);
  }

  #evict(): void {
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    for (const oldest of this.#promises.keys()) {
      if (this.#promises.size <= limit) return;
      this.#promises.delete(oldest);
    }
  }
}

/**
 * One promise shared by every caller. Returns a function that runs `load` on the first call and after a
 * failure.
 */
export function memoizePromise<Value>(load: () => Promise<Value>): () => Promise<Value> {
  const memo = new PromiseMemo<'only', Value>();
  return () => memo.get('only', load);
}
