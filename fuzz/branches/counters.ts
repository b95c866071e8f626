import { register } from 'node:module';
import { HIT } from './instrument.mjs';

/** Counters that there are. The house with its decoders has some 60,000 branches. */
const MOST = 1 << 17;

/** What the search asks after each input. */
export interface Coverage {
  /** Whether the input since the last call reached something new, or something much more often. */
  isNew(): boolean;
  /** How many branches were ever reached. */
  reached(): number;
}

/** Counters of branches, as AFL has them: 8 bits each, compared by powers of two. */
class Counters implements Coverage {
  readonly #counts = new Uint8Array(MOST);
  readonly #seen = new Uint8Array(MOST);
  readonly #touched = new Uint32Array(MOST);
  #length = 0;
  #reached = 0;

  readonly hit = (branch: number): void => {
    const count = this.#counts[branch] as number;
    if (count === 0) this.#touched[this.#length++] = branch;
    if (count < 255) this.#counts[branch] = count + 1;
  };

  isNew(): boolean {
    let isNew = false;
    for (let i = 0; i < this.#length; i++) {
      const branch = this.#touched[i] as number;
      const power = 1 << (31 - Math.clz32(this.#counts[branch] as number));
      const seen = this.#seen[branch] as number;
      this.#counts[branch] = 0;
      if ((seen & power) !== 0) continue;
      if (seen === 0) this.#reached++;
      this.#seen[branch] = seen | power;
      isNew = true;
    }
    this.#length = 0;
    return isNew;
  }

  reached(): number {
    return this.#reached;
  }
}

/** Counts branches of every module that this thread loads from now on. */
export function startCoverage(): Coverage {
  const counters = new Counters();
  (globalThis as Record<string, unknown>)[HIT] = counters.hit;
  const root = new URL('../../', import.meta.url).href;
  register(new URL('./hooks.mjs', import.meta.url), { data: { root, most: MOST } });
  return counters;
}
