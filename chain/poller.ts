import { sleep as realSleep } from './sleep.ts';

export interface PollerOptions {
  /**
   * One pass. The signal fires when the poller is stopped. A rejection goes to `onError`, and the poller goes
   * on.
   */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  /** Time between the end of a pass and the next, in ms. */
  readonly intervalMs: number;
  readonly onError?: (error: unknown) => void;
  /** The clock that `intervalMs` is counted on. Defaults to real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Does something again and again between `start` and `stop`. One pass is over before the next begins. */
export class Poller {
  readonly #options: PollerOptions;
  #abort: AbortController | undefined;
  #waiting: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Makes the first pass at once. Does nothing when the poller runs already. */
  start(): void {
    if (this.#abort !== undefined) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#running = this.#run(abort.signal);
  }

  /** Resolves once no pass is in progress. The poller can be started again then. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    await this.#running;
    this.#abort = undefined;
  }

  /** Begins the next pass now instead of after the interval. */
  wake(): void {
    this.#waiting?.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { pass, intervalMs, onError, sleep = realSleep } = this.#options;
    while (!signal.aborted) {
      try {
        await pass(signal);
      } catch (error) {
        if (!signal.aborted) onError?.(error);
      }
      if (signal.aborted) return;
      const waiting = new AbortController();
      const end = (): void => waiting.abort();
      this.#waiting = waiting;
      signal.addEventListener('abort', end, { once: true });
      await sleep(intervalMs, waiting.signal);
      signal.removeEventListener('abort', end);
    }
  }
}
