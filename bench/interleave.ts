export interface Contestant {
  readonly name: string;
  run(): Promise<void>;
}

export interface InterleaveOptions {
  /** Rounds in which every contestant has its turn. */
  readonly rounds?: number;
  /** A turn repeats the run until this much time has gone by. */
  readonly turnMs?: number;
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

/**
 * Times contestants in turns, so that whatever else the machine does hits all of them alike. Gives, in their
 * order, each one's best milliseconds a run over all turns: other processes only ever add time.
 */
export async function interleave(
  contestants: readonly Contestant[],
  options: InterleaveOptions = {},
): Promise<number[]> {
  const { rounds = 8, turnMs = 40, signal, now = () => performance.now() } = options;
  const best = contestants.map(() => Number.POSITIVE_INFINITY);
  for (const contestant of contestants) await contestant.run();
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      signal?.throwIfAborted();
      const start = now();
      let runs = 0;
      let elapsed = 0;
      do {
        const before = now();
        await contestant.run();
        runs++;
        best[i] = Math.min(best[i] ?? 0, now() - before);
        elapsed = now() - start;
      } while (elapsed < turnMs && runs < 10_000);
    }
  }
  return best;
}
