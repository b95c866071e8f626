/** How long a run of equal steps will still take. */

export interface Forecast {
  /** Notes that a step is done. */
  stepDone(): void;
  /** Seconds since the forecast began. */
  elapsed(): number;
  /** Seconds that `steps` further steps will take at the pace of the latest ones. 0 before the first step. */
  remaining(steps: number): number;
}

/** Steps whose pace counts: enough to even out their lengths, few enough to notice a busier machine. */
const LATEST_STEPS = 100;

/** Begins a forecast. `now` is in milliseconds. */
export function startForecast(now: () => number): Forecast {
  const begun = now();
  let ends: readonly number[] = [begun];
  return {
    stepDone() {
      ends = [...ends.slice(-LATEST_STEPS), now()];
    },
    elapsed: () => (now() - begun) / 1000,
    remaining(steps) {
      const first = ends[0] ?? begun;
      const last = ends.at(-1) ?? begun;
      const counted = ends.length - 1;
      return counted === 0 ? 0 : ((last - first) / 1000 / counted) * steps;
    },
  };
}

/** A duration for people: `45 s`, `7 min` or `1 h 20 min`. */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
