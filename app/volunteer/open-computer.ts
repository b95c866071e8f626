import { connectCompute } from '../../workers/host/compute-client.ts';
import type { Computer, OpenComputerOptions } from './parts.ts';

/** The wasm engine gains little beyond this, and the page wants a core for itself. */
const MOST_THREADS = 8;

/**
 * Starts the compute worker and in it an engine and the model. Throws ComputeError with a sentence for the person, and
 * the signal's reason after an abort; the worker is ended then.
 */
export async function openComputer(options: OpenComputerOptions): Promise<Computer> {
  const { base, device, engine, onEvent, onCrash, signal } = options;
  const worker = new Worker(new URL('../../workers/host/compute.worker.ts', import.meta.url), {
    type: 'module',
    name: 'compute',
  });
  const crashed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      const error = new Error(`The compute worker stopped: ${event.message || 'the browser ended it'}.`);
      reject(error);
      onCrash(error);
    });
  });
  // After the start nobody waits for it any more; `onCrash` has told.
  crashed.catch(() => undefined);
  const client = connectCompute(worker, onEvent);
  const cores = navigator.hardwareConcurrency ?? 1;
  try {
    const started = await Promise.race([
      crashed,
      client.start(
        {
          device,
          engine,
          modelUrl: new URL('models/nano/', base).href,
          threads: crossOriginIsolated ? Math.max(1, Math.min(MOST_THREADS, cores - 1)) : 1,
        },
        signal,
      ),
    ]);
    return {
      client,
      started,
      async stop() {
        await client.stop();
        worker.terminate();
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}
