import { must } from '../../protocol/must.ts';

/** Student's t for a two-sided interval of 95 %, for 1 to 9 degrees of freedom. */
const T_95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** The geometric mean of paired ratios with its interval of 95 %. */
export interface PairedRatio {
  readonly mean: number;
  /** Undefined for fewer than two pairs. */
  readonly interval: readonly [number, number] | undefined;
  readonly ratios: readonly number[];
}

/**
 * The ratios a / b of runs that were paired by their seed. Throws RangeError unless all are positive, 1 to
 * 10.
 */
export function pairedRatio(a: readonly number[], b: readonly number[]): PairedRatio {
  if (a.length !== b.length || a.length < 1 || a.length > T_95.length + 1) {
    throw new RangeError(`A ratio takes 1 to ${T_95.length + 1} pairs, not ${a.length} and ${b.length}.`);
  }
  const ratios = a.map((value, index) => value / must(b, index));
  if (!ratios.every((ratio) => ratio > 0 && Number.isFinite(ratio))) {
    throw new RangeError('Every value of a ratio must be positive: take more rounds.');
  }
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const t = T_95[logs.length - 2];
  if (t === undefined) return { mean: Math.exp(mean), interval: undefined, ratios };
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const half = t * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(mean), interval: [Math.exp(mean - half), Math.exp(mean + half)], ratios };
}
