import type { ModelEvent } from '../../workers/model-api.ts';
import { connectModels, type ModelClient } from '../../workers/model-client.ts';

/** The worker that holds a model, started. */
export interface ModelWorker {
  readonly call: ModelClient;
  /** Ends the worker at once. */
  stop(): void;
}

/**
 * Starts a worker that holds a model and the models of this device. Calls to a worker that has ended never
 * return by themselves. Here they reject with what ended it.
 */
export function openModelWorker(
  name: string,
  listener: (event: ModelEvent) => void,
  onCrash: () => void = () => undefined,
): ModelWorker {
  const worker = new Worker(new URL('../../workers/model.worker.ts', import.meta.url), {
    type: 'module',
    name,
  });
  const crashed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      worker.terminate();
      reject(
        new Error(
          `The worker that held the model stopped (${event.message || 'the browser ended it'}). Choose the model again; a smaller one, if memory ran out.`,
        ),
      );
      onCrash();
    });
  });
  // With no call in progress nobody waits for it.
  crashed.catch(() => undefined);
  const call = connectModels(worker, listener);
  return {
    call: (method, args, signal) => Promise.race([crashed, call(method, args, signal)]),
    stop: () => worker.terminate(),
  };
}
