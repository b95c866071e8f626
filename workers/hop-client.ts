import type { Endpoint } from 'comlink';
import { messageOf } from '../protocol/message-of.ts';
import { type ConnectOptions, connectCalls } from './cancellable-calls.ts';
import type { HopEvent, HopMethods, ReadModelFile } from './hop-api.ts';
import { type CallsOf, remoteMethods } from './remote-methods.ts';

export interface ConnectHopsOptions extends ConnectOptions {
  /** Reads files of a `chunked` model for the worker. Defaults to none, for other models. */
  readonly read?: ReadModelFile | undefined;
}

/**
 * Connects to a worker that runs hop.worker.ts, or to anything else that exposes HopWorkerApi. Calls reject
 * with ComputeError, or with AbortError after an abort.
 */
export function connectHops(
  endpoint: Endpoint,
  { read = noFiles, ...options }: ConnectHopsOptions = {},
): HopMethods {
  const call = connectCalls<CallsOf<HopMethods>, HopEvent>(
    endpoint,
    ({ id, name, offset, length }) => {
      const answer = read(name, offset, length).then(
        (bytes) => worker.give(id, { bytes }),
        (error: unknown) => worker.give(id, { problem: messageOf(error) }),
      );
      // The worker has ended, and nobody waits for the bytes.
      answer.catch(() => undefined);
    },
    options,
  );
  const worker = remoteMethods<HopMethods>(call);
  return worker;
}

const noFiles: ReadModelFile = (name) => Promise.reject(new Error(`Nobody reads ${name} for the worker.`));
