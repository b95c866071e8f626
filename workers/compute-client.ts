import type { Endpoint } from 'comlink';
import { type ConnectOptions, connectCalls } from './cancellable-calls.ts';
import type { ComputeEvent, ComputeMethods } from './compute-api.ts';
import { type CallsOf, remoteMethods } from './remote-methods.ts';

/**
 * The compute worker in the thread that made it. Rejects with ComputeError, or with AbortError after an
 * abort.
 */
export type ComputeClient = ComputeMethods;

/** Connects to a worker that runs compute.worker.ts, or to anything else that exposes ComputeWorkerApi. */
export function connectCompute(
  endpoint: Endpoint,
  listener: (event: ComputeEvent) => void,
  options?: ConnectOptions,
): ComputeClient {
  const call = connectCalls<CallsOf<ComputeMethods>, ComputeEvent>(endpoint, listener, options);
  return remoteMethods<ComputeMethods>(call);
}
