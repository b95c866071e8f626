import type { DeviceAddress } from '../../protocol/hex.ts';
import { type ComputeClient, connectCompute } from '../../workers/compute-client.ts';
import type { StoredCheckpoint } from '../../workers/compute-host.ts';
import type { Computer, OpenComputerOptions } from './dependencies.ts';

function computeWorker(): Worker {
  return new Worker(new URL('../../workers/compute.worker.ts', import.meta.url), {
    type: 'module',
    name: 'compute',
  });
}

/** Reads a device's stored checkpoint in a worker, where private files can be read. Throws ComputeError. */
export async function storedCheckpoint(of: {
  readonly device: DeviceAddress;
  readonly run: string;
}): Promise<StoredCheckpoint | null> {
  const worker = computeWorker();
  try {
    return await connectCompute(worker, () => undefined).stored(of);
  } finally {
    worker.terminate();
  }
}

/** The wasm engine gains little beyond this, and the page wants a core for itself. */
const MAX_THREADS = 8;

/**
 * Starts the compute worker with an engine and the model. Throws ComputeError with a sentence for a person,
 * and the signal's reason after an abort. The worker is ended in both cases.
 */
export async function openComputer(options: OpenComputerOptions): Promise<Computer> {
  const { base, device, run, engine, onEvent, onCrash, signal } = options;
  const worker = computeWorker();
  const crashed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      const error = new Error(`The compute worker stopped: ${event.message || 'the browser ended it'}.`);
      reject(error);
      onCrash(error);
    });
  });
  // After the start nobody waits for this promise. `onCrash` reports the crash.
  crashed.catch(() => undefined);
  const client = connectCompute(worker, onEvent);
  const cores = navigator.hardwareConcurrency ?? 1;
  try {
    const started = await Promise.race([
      crashed,
      client.start(
        {
          device,
          run,
          engine,
          modelUrl: new URL('models/nano/', base).href,
          threads: crossOriginIsolated ? Math.max(1, Math.min(MAX_THREADS, cores - 1)) : 1,
        },
        signal,
      ),
    ]);
    return {
      client: unlessEnded(client, crashed),
      started,
      async stop() {
        await Promise.race([crashed, client.stop()]).finally(() => worker.terminate());
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Makes calls reject with what ended the worker. Without this they would never return. */
function unlessEnded(client: ComputeClient, ended: Promise<never>): ComputeClient {
  const race = <T>(call: Promise<T>) => Promise.race([ended, call]);
  return {
    start: (options, signal) => race(client.start(options, signal)),
    prompts: (context) => race(client.prompts(context)),
    answer: (context, signal) => race(client.answer(context, signal)),
    critique: (context, others, signal) => race(client.critique(context, others, signal)),
    vote: (context, all, critiques, signal) => race(client.vote(context, all, critiques, signal)),
    train: (context, own, foreign, signal) => race(client.train(context, own, foreign, signal)),
    stored: (of) => race(client.stored(of)),
    checkpoint: () => race(client.checkpoint()),
    sampleAnswers: (count, signal) => race(client.sampleAnswers(count, signal)),
    measure: (signal) => race(client.measure(signal)),
    setShare: (share) => race(client.setShare(share)),
    stop: () => race(client.stop()),
  };
}
