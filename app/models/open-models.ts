import type { ModelEvent } from '../../workers/model-api.ts';
import { connectModels, type ModelClient } from '../../workers/model-client.ts';
import { saveFile } from '../ui/save-file.ts';
import { ModelsDesk } from './models-controller.ts';

/** The wasm engine gains little beyond this, and the page wants a core for itself. */
const MOST_THREADS = 8;

/** Threads that a model may use here. */
export function modelThreads(): number {
  return crossOriginIsolated
    ? Math.max(1, Math.min(MOST_THREADS, (navigator.hardwareConcurrency ?? 1) - 1))
    : 1;
}

let desk: ModelsDesk | undefined;

/** This tab's desk for models, on a real worker that starts with the first call. */
export function modelsDesk(): ModelsDesk {
  desk ??= new ModelsDesk({
    openClient: openWorker,
    now: Date.now,
    persist: () => void navigator.storage?.persist?.().catch(() => undefined),
    save: saveFile,
  });
  return desk;
}

/** Calls to a worker that has ended never come back; these reject with what ended it. */
function openWorker(listener: (event: ModelEvent) => void, onCrash: () => void): ModelClient {
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
  return (method, args, signal) => Promise.race([crashed, call(method, args, signal)]);
}
