/** The author, or the archive as a whole, has used up what it may have. The message says what helps. */
export class QuotaError extends Error {
  override readonly name = 'QuotaError';
}

const DAY_MS = 86_400_000;

/** Counts bytes per account and day. A day is 24 hours from the first byte counted. */
export class DailyBytes {
  readonly #now: () => number;
  readonly #used = new Map<string, number>();
  #began: number | undefined;

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  used(account: string): number {
    this.#turn();
    return this.#used.get(account) ?? 0;
  }

  add(account: string, bytes: number): void {
    this.#turn();
    this.#used.set(account, (this.#used.get(account) ?? 0) + bytes);
  }

  #turn(): void {
    const now = this.#now();
    if (this.#began !== undefined && now - this.#began < DAY_MS) return;
    this.#began = now;
    this.#used.clear();
  }
}
