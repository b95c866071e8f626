/**
 * Local time and timers. They are passed in, so that tests run on a simulated clock.
 * testing/scheduler-contract.ts tests the rules:
 *
 * - [SC-01] `now` is in milliseconds and never goes back.
 * - [SC-02] A timer runs once, not before its time has passed.
 * - [SC-03] Timers run by their time, and those of one time in the order of setting.
 * - [SC-04] A cancelled timer does not run. Cancelling it again or too late does nothing.
 * - [SC-05] A timer never runs within the call that sets it, also with 0 or fewer milliseconds.
 */
export interface Scheduler {
  /** Milliseconds. The origin is the Unix epoch for the system scheduler. */
  now(): number;
  /** Runs once after `ms` milliseconds. The returned function cancels. */
  after(ms: number, run: () => void): () => void;
}

/** The host's own clock. */
export const systemScheduler: Scheduler = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds. Rejects with the signal's reason when it aborts first. */
export function wait(scheduler: Scheduler, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = scheduler.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Runs every `ms` milliseconds until the returned function is called. The first run is after `ms`. */
export function every(scheduler: Scheduler, ms: number, run: () => void): () => void {
  let cancel = scheduler.after(ms, tick);
  let stopped = false;
  function tick(): void {
    run();
    if (!stopped) cancel = scheduler.after(ms, tick);
  }
  return () => {
    stopped = true;
    cancel();
  };
}

/**
 * A signal that aborts when `signal` does or after `ms` milliseconds. `release` ends both. The signal is not
 * one of AbortSignal.any: Node keeps such a signal as long as somebody listens to it, and libp2p leaves a
 * listener on it when it closes a stream.
 */
export function deadline(
  scheduler: Scheduler,
  ms: number,
  signal?: AbortSignal,
): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  const cancel = scheduler.after(ms, () =>
    controller.abort(new DOMException(`No answer within ${ms} ms.`, 'TimeoutError')),
  );
  return {
    signal: controller.signal,
    release() {
      cancel();
      signal?.removeEventListener('abort', abort);
    },
  };
}
