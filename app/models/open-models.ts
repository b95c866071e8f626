import type { ModelEvent } from '../../workers/model-api.ts';
import { connectModels } from '../../workers/model-client.ts';
import { saveFile } from '../ui/save-file.ts';
import { ModelsController, type ModelWorker } from './models-controller.ts';

/** This tab's controller of models, on a real worker that starts with the first call. */
export function openModels(): ModelsController {
  return new ModelsController({
    openWorker,
    now: Date.now,
    persist: () => void navigator.storage?.persist?.().catch(() => undefined),
    save: saveFile,
  });
}

/** Calls to a worker that has ended never return by themselves. Here they reject with what ended it. */
function openWorker(listener: (event: ModelEvent) => void, onCrash: () => void): ModelWorker {
  const worker = new Worker(new URL('../../workers/model.worker.ts', import.meta.url), {
    type: 'module',
    name: 'models',
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
