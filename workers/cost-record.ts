/**
 * What rounds of a swarm took on this device, beside what was predicted. Kept for each device and swarm, so
 * that a person sees how far to trust the prediction. Pure.
 */

/** One round of this device. */
export interface RoundTook {
  readonly round: number;
  /** Seconds in which the device answered, judged, voted and trained. */
  readonly seconds: number;
  /** Most bytes of memory until then. Null where they cannot be measured. */
  readonly memory: number | null;
}

export interface CostPrediction {
  /** Null while the device's speed is not measured. */
  readonly seconds: number | null;
  /** Bytes. */
  readonly memory: number;
}

export interface CostRecord {
  /** The prediction for the latest of these rounds. Null while nothing was predicted for this device. */
  readonly predicted: CostPrediction | null;
  /** Oldest first, at most `KEPT_ROUNDS`. */
  readonly rounds: readonly RoundTook[];
}

/** Rounds that are remembered: enough for a median, few enough to follow a device that became busier. */
export const KEPT_ROUNDS = 20;

/** The record with one more round. A round that is there already is replaced. */
export function withRound(
  record: CostRecord | null,
  predicted: CostRecord['predicted'],
  took: RoundTook,
): CostRecord {
  const others = (record?.rounds ?? []).filter(({ round }) => round !== took.round);
  const rounds = [...others, took].sort((a, b) => a.round - b.round).slice(-KEPT_ROUNDS);
  return { predicted, rounds };
}

/** Predicted and real figures of the remembered rounds. */
export interface CostComparison {
  readonly rounds: number;
  /** Seconds of a round: predicted, the median of the real ones, the least and the most. */
  readonly seconds: {
    readonly predicted: number | null;
    readonly median: number;
    readonly least: number;
    readonly most: number;
  };
  /** Bytes: predicted, and the most that was measured. */
  readonly memory: { readonly predicted: number; readonly most: number | null };
}

/** Null where no round was finished yet, or nothing was predicted. */
export function compareCosts(record: CostRecord | null): CostComparison | null {
  if (record === null || record.rounds.length === 0) return null;
  const { predicted } = record;
  if (predicted === null) return null;
  const seconds = record.rounds.map((each) => each.seconds).sort((a, b) => a - b);
  const memory = record.rounds.flatMap((each) => each.memory ?? []);
  const middle = seconds.length / 2;
  const [low = 0, high = 0] = [seconds[Math.ceil(middle) - 1], seconds[Math.floor(middle)]];
  return {
    rounds: seconds.length,
    seconds: {
      predicted: predicted.seconds,
      median: (low + high) / 2,
      least: seconds[0] ?? 0,
      most: seconds.at(-1) ?? 0,
    },
    memory: {
      predicted: predicted.memory,
      most: memory.length === 0 ? null : Math.max(...memory),
    },
  };
}

/** The comparison as one sentence. */
export function comparisonInWords({ rounds, seconds, memory }: CostComparison): string {
  const time = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  const bytes = (value: number): string => `${Math.round(value / 1e6)} MB`;
  const predicted = seconds.predicted === null ? '' : `about ${time(seconds.predicted)} and `;
  const spread = rounds === 1 ? '' : ` (${time(seconds.least)} to ${time(seconds.most)})`;
  const which = rounds === 1 ? 'The one round' : `The last ${rounds} rounds`;
  const most = memory.most === null ? '' : ` and at most ${bytes(memory.most)} of memory`;
  return `Predicted: ${predicted}about ${bytes(memory.predicted)} of memory a round. ${which} here took ${time(seconds.median)}${spread} of computing${most}.`;
}

/** The record as text, for a file or a page's storage. */
export function formatCostRecord(record: CostRecord): string {
  return JSON.stringify(record);
}

/** A record from text of unknown origin. Null for anything else. */
export function parseCostRecord(text: string | null | undefined): CostRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
  if (!isMap(value) || !Array.isArray(value.rounds)) return null;
  const predicted = parsePrediction(value.predicted);
  if (predicted === undefined) return null;
  if (value.rounds.length > KEPT_ROUNDS) return null;
  const rounds: RoundTook[] = [];
  for (const each of value.rounds as readonly unknown[]) {
    if (!isMap(each) || !isAmount(each.round) || !isAmount(each.seconds)) return null;
    if (!(each.memory === null || isAmount(each.memory))) return null;
    rounds.push({ round: each.round, seconds: each.seconds, memory: each.memory });
  }
  return { predicted, rounds };
}

/** Undefined for what is no prediction. */
function parsePrediction(value: unknown): CostPrediction | null | undefined {
  if (value === null) return null;
  if (!isMap(value)) return undefined;
  const { seconds, memory } = value;
  if (!(seconds === null || isAmount(seconds)) || !isAmount(memory)) return undefined;
  return { seconds, memory };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): value is number {
  // -0 is written as 0 and would come back as another value.
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && !Object.is(value, -0);
}
