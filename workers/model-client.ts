import type { Endpoint } from 'comlink';
import { type Call, type ConnectOptions, connectCalls } from './cancellable-calls.ts';
import type { ModelCalls, ModelEvent } from './model-api.ts';

/** The model worker in the thread that made it. */
export type ModelClient = Call<ModelCalls>;

/**
 * Connects to a worker that runs model.worker.ts. Calls reject with ComputeError, or with the signal's
 * reason.
 */
export function connectModels(
  endpoint: Endpoint,
  listener: (event: ModelEvent) => void,
  options?: ConnectOptions,
): ModelClient {
  return connectCalls<ModelCalls, ModelEvent>(endpoint, listener, options);
}
