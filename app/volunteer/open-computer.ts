import type { DeviceAddress } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';
import { connectCompute } from '../../workers/compute-client.ts';
import type { StoredCheckpoint } from '../../workers/compute-host.ts';
import type { Computer, OpenComputerOptions } from './dependencies.ts';
import { whyNotHere } from './why-not-here.ts';

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

/** Where a swarm's model lies beside the page. Throws Error for a swarm in which a tab cannot train. */
function modelFolder(spec: SwarmSpec): string {
  const model = builtinModelOf(spec.base.root);
  const reason = whyNotHere(spec);
  if (model === undefined || reason !== null) throw new Error(reason ?? 'This page lacks the swarm’s model.');
  return model.folder;
}

/** The wasm engine gains little beyond this, and the page wants a core for itself. */
const MAX_THREADS = 8;

/**
 * Starts the compute worker with an engine and the model. Throws ComputeError with a sentence for a person,
 * and the signal's reason after an abort. The worker is ended in both cases.
 */
export async function openComputer(options: OpenComputerOptions): Promise<Computer> {
  const { base, device, networkId, engine, spec, dataSets, onEvent, onCrash, signal } = options;
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
    const started = await client.start(
      {
        device,
        networkId,
        engine,
        model: { kind: 'published', url: new URL(modelFolder(spec), base).href },
        spec: encodeSwarmSpec(spec).bytes,
        dataSets,
        threads: threadsHere(),
      },
      signal,
    );
    return {
      client,
      started,
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

function threadsHere(): number {
  const cores = navigator.hardwareConcurrency ?? 1;
  return crossOriginIsolated ? Math.max(1, Math.min(MAX_THREADS, cores - 1)) : 1;
}
