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
  const { mean, interval } = meanOf(ratios.map(Math.log));
  const [low, high] = (interval ?? []).map(Math.exp);
  return {
    mean: Math.exp(mean),
    interval: low === undefined || high === undefined ? undefined : [low, high],
    ratios,
  };
}

/** The mean of paired differences with its interval of 95 %. */
export interface PairedDifference {
  readonly mean: number;
  /** Undefined for fewer than two pairs. */
  readonly interval: readonly [number, number] | undefined;
}

/** The differences a - b of runs that were paired by their seed. Throws RangeError unless 1 to 10. */
export function pairedDifference(a: readonly number[], b: readonly number[]): PairedDifference {
  if (a.length !== b.length || a.length < 1 || a.length > T_95.length + 1) {
    throw new RangeError(
      `A difference takes 1 to ${T_95.length + 1} pairs, not ${a.length} and ${b.length}.`,
    );
  }
  return meanOf(a.map((value, index) => value - must(b, index)));
}

/** The mean of 1 to 10 values, with Student's interval. */
function meanOf(values: readonly number[]): PairedDifference {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const t = T_95[values.length - 2];
  if (t === undefined) return { mean, interval: undefined };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const half = t * Math.sqrt(variance / values.length);
  return { mean, interval: [mean - half, mean + half] };
}
