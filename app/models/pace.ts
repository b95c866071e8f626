/**
 * How fast something comes in, over the last seconds: a rate since the beginning hides that the line went
 * slow.
 */

export interface Pace {
  /** Oldest first: milliseconds and bytes so far. */
  readonly samples: readonly { readonly at: number; readonly bytes: number }[];
}

const WINDOW_MS = 5000;

export const NO_PACE: Pace = { samples: [] };

/** Pure. One sample older than the window is kept, so that it spans all of it. */
export function measured(pace: Pace, at: number, bytes: number): Pace {
  const samples = [...pace.samples, { at, bytes }];
  const young = samples.findIndex((sample) => at - sample.at <= WINDOW_MS);
  return { samples: samples.slice(Math.max(0, young - 1)) };
}

/**
 * Bytes a second up to now; null before there is anything to tell it from. 0 when nothing has come for as
 * long as is looked back.
 */
export function rateOf({ samples }: Pace, now: number): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || now - first.at < 250) return null;
  if (now - last.at > WINDOW_MS) return 0;
  return ((last.bytes - first.bytes) * 1000) / (now - first.at);
}

/** Seconds until `total` bytes are here; null where that cannot be told. */
export function secondsLeft(pace: Pace, total: number | null, now: number): number | null {
  const rate = rateOf(pace, now);
  const bytes = pace.samples.at(-1)?.bytes;
  if (rate === null || rate <= 0 || total === null || bytes === undefined) return null;
  return Math.max(0, total - bytes) / rate;
}
