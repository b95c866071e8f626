/**
 * Calls from one thread to another that can be cancelled. Signals and error classes do not cross threads: each call carries a
 * number by which a cancel message finds it, and its outcome is a plain value.
 */
import * as Comlink from 'comlink';
import { fromPlainError, type PlainError, toPlainError } from './plain-error.ts';

/** Arguments and result of each method; all of them can be cloned. */
export type CallTable<Calls> = {
  readonly [M in keyof Calls]: { readonly args: unknown; readonly result: unknown };
};

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: PlainError };

/** The worker's face, through Comlink. Nothing it returns rejects. */
export interface CallsApi<Calls extends CallTable<Calls>, Event> {
  /** Hands over the listener for what the worker tells unasked; the last one given counts. */
  listen(listener: (event: Event) => void): void;
  call<M extends keyof Calls>(
    id: number,
    method: M,
    args: Calls[M]['args'],
  ): Promise<Outcome<Calls[M]['result']>>;
  cancel(id: number): void;
}

export type CallMethods<Calls extends CallTable<Calls>> = {
  readonly [M in keyof Calls]: (
    args: Calls[M]['args'],
    signal: AbortSignal,
  ) => Promise<Calls[M]['result']> | Calls[M]['result'];
};

/** What methods see of the calls around them. */
export interface CallsInProgress<Event> {
  /** Tells the other side; before it listens, nobody. */
  readonly tell: (event: Event) => void;
  /** Cancels every call but `except`. */
  cancelOthers(except: AbortSignal): void;
}

/** The worker's side: runs each call with a signal of its own and gives errors as plain values. */
export function serveCalls<Calls extends CallTable<Calls>, Event>(
  make: (calls: CallsInProgress<Event>) => CallMethods<Calls>,
): CallsApi<Calls, Event> {
  const pending = new Map<number, AbortController>();
  let listener: (event: Event) => void = () => undefined;
  const methods = make({
    tell: (event) => listener(event),
    cancelOthers(except) {
      for (const controller of pending.values()) if (controller.signal !== except) controller.abort();
    },
  });
  return {
    listen(next) {
      listener = next;
    },
    async call(id, method, args) {
      const controller = new AbortController();
      pending.set(id, controller);
      try {
        return { ok: true, value: await methods[method](args, controller.signal) };
      } catch (error) {
        return { ok: false, error: toPlainError(error) };
      } finally {
        pending.delete(id);
      }
    },
    cancel(id) {
      pending.get(id)?.abort();
    },
  };
}

/** Calls a method on the other thread. Rejects with ComputeError, or the signal's reason after an abort. */
export type Call<Calls extends CallTable<Calls>> = <M extends keyof Calls>(
  method: M,
  args: Calls[M]['args'],
  signal?: AbortSignal,
) => Promise<Calls[M]['result']>;

/** The other side: speaks to whatever `serveCalls` made and Comlink exposes at the endpoint. */
export function connectCalls<Calls extends CallTable<Calls>, Event>(
  endpoint: Comlink.Endpoint,
  listener: (event: Event) => void,
): Call<Calls> {
  // Comlink's mapped types lose what each method takes; the interface says it again.
  const remote = Comlink.wrap<CallsApi<Calls, Event>>(endpoint) as unknown as CallsApi<Calls, Event>;
  const listening: unknown = remote.listen(Comlink.proxy(listener));
  let last = 0;
  return async (method, args, signal) => {
    signal?.throwIfAborted();
    await listening;
    const id = ++last;
    const cancel = () => void remote.cancel(id);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      // Aborted while the listener was handed over: the event has already fired.
      signal?.throwIfAborted();
      const outcome = await remote.call(id, method, args);
      if (outcome.ok) return outcome.value;
      throw outcome.error.kind === 'aborted' && signal?.aborted === true
        ? signal.reason
        : fromPlainError(outcome.error);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  };
}
