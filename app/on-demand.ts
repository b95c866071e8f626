import type { Openable } from './ui/use-opened.ts';

/** Opened when it is first asked for, shared by everybody who asks, and stopped once. */
export class OnDemand<T extends { stop(): unknown }> implements Openable<T> {
  readonly #load: () => Promise<T>;
  #opened: Promise<T> | null = null;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** The same promise for everybody. After a failure the next call loads again. */
  open(): Promise<T> {
    const opened = this.#opened ?? this.#load();
    this.#opened = opened;
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return opened;
  }

  /** Stops what was opened, or what is being opened once it is. The next `open` loads again. Never throws. */
  async stop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.then((value) => value.stop()).catch(() => undefined);
  }
}
