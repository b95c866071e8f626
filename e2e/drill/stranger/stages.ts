/** A stage of the stranger's path, and how long it took. */
export interface Stage {
  readonly stage: string;
  readonly seconds: number;
  /** One line about what came of it. */
  readonly detail: string;
  /** Why it was not done, with the remedy. Undefined where it was. */
  readonly skipped?: string;
}

/** Runs stages one after the other, and reports each when it is over. */
export class Stages {
  readonly #report: (stage: Stage) => void;
  readonly #signal: AbortSignal;

  constructor(options: { readonly report: (stage: Stage) => void; readonly signal: AbortSignal }) {
    this.#report = options.report;
    this.#signal = options.signal;
  }

  /** Runs a stage. `told` says in a few words what came of it. Rejects as `run` does. */
  async run<T>(stage: string, run: () => Promise<T>, told: (value: T) => string = () => 'done'): Promise<T> {
    this.#signal.throwIfAborted();
    const begun = performance.now();
    const value = await run();
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    this.#report({ stage, seconds, detail: told(value) });
    return value;
  }

  /** Says that a stage was not done. */
  skip(stage: string, reason: string): void {
    this.#report({ stage, seconds: 0, detail: 'skipped', skipped: reason });
  }
}
