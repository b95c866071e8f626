/** Runs the training case on the page's main thread, which may not block, and in a worker, which may. */
import { type CaseReport, trainOn } from './train.ts';

declare global {
  interface Window {
    report: Promise<readonly CaseReport[]>;
  }
}

async function inWorker(): Promise<CaseReport> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise<CaseReport>((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<CaseReport>) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  } finally {
    worker.terminate();
  }
}

window.report = Promise.all([trainOn(2), inWorker()]);
