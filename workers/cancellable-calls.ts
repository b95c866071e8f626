/**
 * Calls from one thread to another that can be cancelled. Signals and error classes do not cross threads. So
 * each call carries a number by which a cancel message finds it, and its outcome is a plain value.
 */
import * as Comlink from 'comlink';
import { fromPlainError, type PlainError, toPlainError } from './plain-error.ts';

/** Arguments and result of each method. Both must be cloneable. */
export type CallTable<Calls> = {
  readonly [M in keyof Calls]: { readonly args: unknown; readonly result: unknown };
};

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: PlainError };

/** The interface that the worker exposes through Comlink. None of its results rejects. */
export interface CallsApi<Calls extends CallTable<Calls>, Event> {
  /** Sets the listener for the worker's events, in place of an earlier listener. */
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

/** What a service can do besides answering its calls. */
export interface ServiceContext<Event> {
  /** Sends an event to the other thread. Does nothing before that thread listens. */
  readonly emit: (event: Event) => void;
  /** Aborts the signal of every call in progress. */
  cancelAll(): void;
}

/** The worker's side: runs each call with its own signal and returns errors as plain values. */
export function serveCalls<Calls extends CallTable<Calls>, Event>(
  makeMethods: (context: ServiceContext<Event>) => CallMethods<Calls>,
): CallsApi<Calls, Event> {
  const pending = new Map<number, AbortController>();
  let listener: (event: Event) => void = () => undefined;
  const methods = makeMethods({
    emit: (event) => listener(event),
    cancelAll() {
      for (const controller of pending.values()) controller.abort();
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

/**
 * Calls a method on the other thread. Rejects with ComputeError, or with the signal's reason after an abort.
 */
export type Call<Calls extends CallTable<Calls>> = <M extends keyof Calls>(
  method: M,
  args: Calls[M]['args'],
  signal?: AbortSignal,
) => Promise<Calls[M]['result']>;

export interface ConnectOptions {
  /**
   * Rejects when the worker has ended. Every call then rejects with the same reason instead of never
   * settling.
   */
  readonly ended?: Promise<never>;
}

/** The caller's side: connects to the result of `serveCalls` that Comlink exposes at the endpoint. */
export function connectCalls<Calls extends CallTable<Calls>, Event>(
  endpoint: Comlink.Endpoint,
  listener: (event: Event) => void,
  options: ConnectOptions = {},
): Call<Calls> {
  // Comlink's mapped types lose the relation between a method and its arguments; the interface restores it.
  const remote = Comlink.wrap<CallsApi<Calls, Event>>(endpoint) as unknown as CallsApi<Calls, Event>;
  const listening: unknown = remote.listen(Comlink.proxy(listener));
  let last = 0;
  const callRemote: Call<Calls> = async (method, args, signal) => {
    signal?.throwIfAborted();
    await listening;
    const id = ++last;
    const cancel = () => void remote.cancel(id);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      // An abort while the listener was handed over has already fired its event.
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
  const { ended } = options;
  if (ended === undefined) return callRemote;
  return (method, args, signal) => Promise.race([ended, callRemote(method, args, signal)]);
}
