/** What passes between `npm run fuzz` and the thread in which a target is tried. */

export interface ThreadData {
  readonly target: string;
  readonly inputs: number;
  readonly seed: string;
  /** Seconds of CPU after which the search ends. */
  readonly seconds: number;
  /** Whether branches are counted. */
  readonly guided: boolean;
  /** Bytes in base64 that an earlier search found, and the repository's. */
  readonly corpus: readonly Uint8Array[];
  /** The number of the input, its length, then its bytes: what the thread was at when it died. */
  readonly current: SharedArrayBuffer;
}

export interface ThreadResult {
  readonly inputs: number;
  readonly accepted: number;
  readonly faults: readonly { readonly key: string; readonly sentence: string; readonly input: Uint8Array }[];
  readonly found: readonly Uint8Array[];
  readonly reasons: number;
  /** Branches that were reached; 0 without counting. */
  readonly branches: number;
  /** The longest that one input took with its making, milliseconds of CPU. */
  readonly slowestMs: number;
  readonly slowest: Uint8Array;
  /** Of CPU. */
  readonly seconds: number;
}

/** Words of `current` before the input's bytes. */
export const HEADER_WORDS = 2;
