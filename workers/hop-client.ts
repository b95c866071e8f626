import type { Endpoint } from 'comlink';
import { messageOf } from '../protocol/message-of.ts';
import { type ConnectOptions, connectCalls } from './cancellable-calls.ts';
import type { HopEvent, HopMethods, PageFiles } from './hop-api.ts';
import { type CallsOf, remoteMethods } from './remote-methods.ts';

export interface ConnectHopsOptions extends ConnectOptions {
  /** The files of a `chunked` model. Defaults to none, for other models. */
  readonly files?: PageFiles | undefined;
}

/**
 * Connects to a worker that runs hop.worker.ts, or to anything else that exposes HopWorkerApi. Calls reject
 * with ComputeError, or with AbortError after an abort.
 */
export function connectHops(
  endpoint: Endpoint,
  { files = NO_FILES, ...options }: ConnectHopsOptions = {},
): HopMethods {
  const hear = (event: HopEvent): void => {
    if (event.kind === 'released') {
      files.released(event.parts);
      return;
    }
    const { id, name, offset, length } = event;
    const answer = files.read(name, offset, length).then(
      (bytes) => worker.give(id, { bytes }),
      (error: unknown) => worker.give(id, { problem: messageOf(error) }),
    );
    // The worker has ended, and nobody waits for the bytes.
    answer.catch(() => undefined);
  };
  const worker = remoteMethods<HopMethods>(
    connectCalls<CallsOf<HopMethods>, HopEvent>(endpoint, hear, options),
  );
  return worker;
}

const NO_FILES: PageFiles = {
  read: (name) => Promise.reject(new Error(`Nobody reads ${name} for the worker.`)),
  released: () => undefined,
};
