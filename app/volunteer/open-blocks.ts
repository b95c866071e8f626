import { directorySource } from '../../models/loading/directory-source.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import { MODELS, opfsModelDirectory } from '../../models/loading/opfs-model-directory.ts';
import { folderName, StorageFullError } from '../../models/storage/directory.ts';
import { memoizePromise } from '../../protocol/memoize-promise.ts';
import type { BlockFiles } from '../../swarm/blocks/block-files.ts';
import { blockRunSettings, blockSeedOf, openBlockRun } from '../../training/blocks/open-block-run.ts';
import { checkpointRootOf, memberRun } from '../../workers/block-member.ts';
import type { StartModel } from '../../workers/compute-api.ts';
import type { HopMethods } from '../../workers/hop-api.ts';
import { connectHops } from '../../workers/hop-client.ts';
import { ComputeError } from '../../workers/plain-error.ts';
import { modelAt, publishedSource } from '../../workers/published-model.ts';
import type { BlockComputer, OpenBlocksOptions } from './dependencies.ts';
import { blockQuota } from './storage-quota.ts';
import { threadsHere } from './threads-here.ts';

/**
 * Starts the worker that computes hops, with an engine and the run of the swarm's model in blocks. Throws
 * ComputeError with a sentence for a person, and the signal's reason after an abort. The worker is ended in
 * both cases.
 */
export async function openBlocks(options: OpenBlocksOptions): Promise<BlockComputer> {
  const { device, networkId, engine, spec, cid, model, dataSets, onCrash, signal } = options;
  const settings = blockRunSettings(spec, blockSeedOf(cid));
  if (settings === undefined) throw new RangeError('This swarm trains no model in blocks.');
  const thread = new Worker(new URL('../../workers/hop.worker.ts', import.meta.url), {
    type: 'module',
    name: 'hops',
  });
  const crashed = new Promise<never>((_, reject) => {
    thread.addEventListener('error', (event) => {
      const error = new Error(
        `The worker of the blocks stopped: ${event.message || 'the browser ended it'}.`,
      );
      reject(error);
      onCrash(error);
    });
  });
  // After the start nobody waits for this promise. `onCrash` reports the crash.
  crashed.catch(() => undefined);
  const worker = connectHops(thread, { ended: crashed });
  try {
    const folder = ['starling', device.toLowerCase(), folderName(networkId), 'blocks'];
    const opened = await worker.open(
      { model, settings, dataSets, engine, threads: threadsHere(), folder },
      signal,
    );
    const { run } = await openBlockRun({ source: sourceOf(model), settings, dataSets, signal });
    const base = await worker.base(signal);
    const first = await worker.firstRoots(signal);
    const storage = await navigator.storage?.estimate?.().catch(() => undefined);
    return {
      engine: opened.engine,
      memory: new Map(opened.blocks.map(({ id, memory }) => [id, memory])),
      isFolderTemporary: opened.isFolderTemporary,
      quotaBytes: blockQuota(storage),
      run: { ...memberRun(run), first },
      worker,
      files: filesOf(worker),
      checkpointRoot: (steps, state) => checkpointRootOf({ plan: run.plan, base }, steps, state),
      assemble: (files) => worker.assemble(files),
      setShare: (share) => worker.setShare(share),
      stop: memoizePromise(() => worker.stop().finally(() => thread.terminate())),
    };
  } catch (error) {
    thread.terminate();
    throw error;
  }
}

/** The model's small files, for this thread. The worker reads its weights. */
function sourceOf(model: StartModel): ModelSource {
  return model.kind === 'stored'
    ? directorySource(opfsModelDirectory(MODELS), model.id, model.files)
    : publishedSource(modelAt(model.url));
}

/** The run's folder, which the worker writes. */
function filesOf(worker: HopMethods): BlockFiles {
  return {
    list: () => worker.listFiles(),
    read: (name) => worker.readFile(name),
    remove: (name) => worker.removeFile(name),
    async write(name, parts) {
      try {
        await worker.writeFile(name, parts);
      } catch (error) {
        // Whoever keeps blocks tells a full disk from other failures by its name, which no thread passes on.
        if (!(error instanceof ComputeError) || error.kind !== 'storage-full') throw error;
        const needed = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
        throw new StorageFullError(needed, { cause: error });
      }
    },
  };
}
