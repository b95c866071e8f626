/**
 * Runs asynchronous work one call after another, in the order of the calls. A call that fails rejects for its
 * own caller only: the calls after it still run.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  /** Starts `work` once every earlier call has settled. Settles as `work` does. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves once every call made so far has settled. Never rejects. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
