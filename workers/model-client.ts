import type { Endpoint } from 'comlink';
import { type Call, connectCalls } from './cancellable-calls.ts';
import type { ModelCalls, ModelEvent } from './model-api.ts';

/** The model worker as seen from the thread that made it. */
export type ModelClient = Call<ModelCalls>;

/** Speaks to a worker running model.worker.ts. Calls reject with ComputeError, or the signal's reason after an abort. */
export function connectModels(endpoint: Endpoint, listener: (event: ModelEvent) => void): ModelClient {
  return connectCalls<ModelCalls, ModelEvent>(endpoint, listener);
}
