/** One measurement beside its peer's. Rates and times are told apart by `unit`. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** What it is compared with, version included; null where nothing comparable exists. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /**
   * How many times better than the peer, whichever way "better" points: 2 is twice the rate or half the time.
   */
  readonly ratio: number | null;
}

/** More is better for rates, less for times and sizes. */
export type Unit =
  | 'GFLOP/s'
  | 'tokens/s'
  | 'MB/s'
  | 'KiB'
  | 'ms'
  | 's'
  | 'messages/s'
  | 'checks/s'
  | '% of the time';

export interface BenchmarkContext {
  readonly signal: AbortSignal;
  /** Says what was left out and why; goes to stderr. */
  note(message: string): void;
}

export interface Benchmark {
  /** Short and stable: the prefix of its measurements' names. */
  readonly name: string;
  /** Measures, yielding as it goes so that results appear while others still run. */
  run(context: BenchmarkContext): AsyncIterable<Measurement>;
}

const MORE_IS_BETTER: ReadonlySet<Unit> = new Set(['GFLOP/s', 'tokens/s', 'MB/s', 'messages/s', 'checks/s']);

/** A measurement with its ratio worked out. */
export function compared(
  name: string,
  unit: Unit,
  value: number,
  peer?: { readonly name: string; readonly value: number },
): Measurement {
  if (peer === undefined) return { name, value, unit, peer: null, peerValue: null, ratio: null };
  const ratio = MORE_IS_BETTER.has(unit) ? value / peer.value : peer.value / value;
  return { name, value, unit, peer: peer.name, peerValue: peer.value, ratio };
}
