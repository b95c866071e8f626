/** Time between two rounds of asking, in ms. */
const ASK_AGAIN_MS = 2_000;

/** Rounds of asking before a person is told. A device that has just joined knows nobody yet. */
export const QUIET_ASKS = 3;

export interface AskAgainOptions<T> {
  /** Asks whoever is there now. Rejects while nobody has it. */
  readonly ask: (signal: AbortSignal) => Promise<T>;
  /** Whether asking again leads nowhere. */
  readonly isFinal: (error: unknown) => boolean;
  /** Called after each round in which nobody had it, with the number of rounds so far. */
  readonly onFailure: (asks: number, error: unknown) => void;
  /** Waits between two rounds. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Asks every few seconds until somebody has it. Rejects with a final error, and with the signal's reason. */
export async function askAgain<T>({
  ask,
  isFinal,
  onFailure,
  sleep,
  signal,
}: AskAgainOptions<T>): Promise<T> {
  for (let asks = 1; ; asks++) {
    signal.throwIfAborted();
    try {
      const found = await ask(signal);
      signal.throwIfAborted();
      return found;
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal(error)) throw error;
      onFailure(asks, error);
    }
    await sleep(ASK_AGAIN_MS, signal);
  }
}
