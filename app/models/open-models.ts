import { saveFile } from '../ui/save-file.ts';
import { openModelWorker } from '../volunteer/model-worker.ts';
import { ModelsController } from './models-controller.ts';

/** This tab's controller of models, on a real worker that starts with the first call. */
export function openModels(): ModelsController {
  return new ModelsController({
    openWorker: (listener, onCrash) => openModelWorker('models', listener, onCrash),
    now: Date.now,
    persist: () => void navigator.storage?.persist?.().catch(() => undefined),
    save: saveFile,
  });
}
