/**
 * The rate of a download over the last seconds. A rate since the beginning would hide that the line slowed.
 */

export interface Pace {
  /** Oldest first. `at` is in milliseconds; `bytes` are all that had arrived by then. */
  readonly samples: readonly { readonly at: number; readonly bytes: number }[];
}

const WINDOW_MS = 5000;

export const NO_PACE: Pace = { samples: [] };

/** Adds a sample. One sample older than the window is kept, so that the samples span the window. Pure. */
export function measured(pace: Pace, at: number, bytes: number): Pace {
  const samples = [...pace.samples, { at, bytes }];
  const young = samples.findIndex((sample) => at - sample.at <= WINDOW_MS);
  return { samples: samples.slice(Math.max(0, young - 1)) };
}

/** Bytes per second. Null while the samples are too few, 0 when nothing has arrived within the window. */
export function rateOf({ samples }: Pace, now: number): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || now - first.at < 250) return null;
  if (now - last.at > WINDOW_MS) return 0;
  return ((last.bytes - first.bytes) * 1000) / (now - first.at);
}

/** Seconds until `total` bytes have arrived. Null while that is not known. */
export function secondsLeft(pace: Pace, total: number | null, now: number): number | null {
  const rate = rateOf(pace, now);
  const bytes = pace.samples.at(-1)?.bytes;
  if (rate === null || rate <= 0 || total === null || bytes === undefined) return null;
  return Math.max(0, total - bytes) / rate;
}
