import { MODELS, opfsModelDirectory } from '../../models/loading/opfs-model-directory.ts';
import { openOpfsDirectory } from '../../models/storage/opfs-directory.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import { connectCompute } from '../../workers/compute-client.ts';
import type { StoredCheckpoint } from '../../workers/compute-host.ts';
import { keptFolder } from '../../workers/device-folders.ts';
import type { Computer, OpenComputerOptions, VolunteerDependencies } from './dependencies.ts';
import { openKeptHere } from './kept-checkpoints.ts';
import { type ModelWorker, openModelWorker } from './model-worker.ts';
import { obtainModel } from './obtain-model.ts';
import { threadsHere } from './threads-here.ts';

function computeWorker(): Worker {
  return new Worker(new URL('../../workers/compute.worker.ts', import.meta.url), {
    type: 'module',
    name: 'compute',
  });
}

/** Reads a device's stored checkpoint in a worker, where private files can be read. Throws ComputeError. */
export async function storedCheckpoint(of: {
  readonly device: DeviceAddress;
  readonly networkId: string;
}): Promise<StoredCheckpoint | null> {
  const worker = computeWorker();
  try {
    return await connectCompute(worker, () => undefined).stored(of);
  } finally {
    worker.terminate();
  }
}

/** Whether a model of files is whole on this device. Throws ComputeError. */
export async function isModelHere(root: Hex): Promise<boolean> {
  const { call, stop } = openModelWorker('model-search', () => undefined);
  try {
    return (await call('stored', {})).some((stored) => stored.root === root);
  } finally {
    stop();
  }
}

/** Gets a swarm's model onto this device, with a worker that has the models of this device. */
export const obtainModelHere: VolunteerDependencies['obtainModel'] = async ({ onProgress, ...options }) => {
  let worker: ModelWorker | undefined;
  let ended = false;
  const call = () => {
    worker ??= openModelWorker('model-files', (event) => {
      // Progress travels apart from the result, and may come after it.
      if (event.kind === 'obtain' && !ended) onProgress(event.bytes, event.total);
    });
    return worker.call;
  };
  const models = opfsModelDirectory(MODELS);
  try {
    return await obtainModel({ ...options, onProgress, call, models });
  } finally {
    ended = true;
    worker?.stop();
  }
};

/**
 * Starts the compute worker with an engine and the model. Throws ComputeError with a sentence for a person,
 * and the signal's reason after an abort. The worker is ended in both cases.
 */
export async function openComputer(options: OpenComputerOptions): Promise<Computer> {
  const { device, networkId, engine, spec, model, dataSets, onEvent, onCrash, signal } = options;
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
  const client = connectCompute(worker, onEvent, { ended: crashed });
  try {
    const kept = await openKeptHere({
      directory: () => openOpfsDirectory(keptFolder({ device, networkId })),
      estimate: async () => navigator.storage?.estimate?.().catch(() => undefined),
    });
    const started = await client.start(
      {
        device,
        networkId,
        engine,
        model,
        spec: encodeSwarmSpec(spec).bytes,
        dataSets,
        threads: threadsHere(),
        ...(kept === null ? {} : { keep: kept.policy }),
      },
      signal,
    );
    return {
      client,
      started,
      kept,
      async stop() {
        await client.stop().finally(() => worker.terminate());
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Chooses an engine in a worker and measures how fast it trains, in GFLOP/s. Throws ComputeError. */
export async function measureSpeed(): Promise<number> {
  const worker = computeWorker();
  try {
    return await connectCompute(worker, () => undefined).measure({ engine: 'auto', threads: threadsHere() });
  } finally {
    worker.terminate();
  }
}
