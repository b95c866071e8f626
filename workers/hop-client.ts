import type { Endpoint } from 'comlink';
import { type ConnectOptions, connectCalls } from './cancellable-calls.ts';
import type { HopEvent, HopMethods } from './hop-api.ts';
import { type CallsOf, remoteMethods } from './remote-methods.ts';

/**
 * Connects to a worker that runs hop.worker.ts, or to anything else that exposes HopWorkerApi. Calls reject
 * with ComputeError, or with AbortError after an abort.
 */
export function connectHops(endpoint: Endpoint, options?: ConnectOptions): HopMethods {
  const call = connectCalls<CallsOf<HopMethods>, HopEvent>(endpoint, () => undefined, options);
  return remoteMethods<HopMethods>(call);
}
