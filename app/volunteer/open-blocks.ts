import { callbackSource } from '../../models/loading/callback-source.ts';
import { directorySource } from '../../models/loading/directory-source.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import { MODELS, opfsModelDirectory } from '../../models/loading/opfs-model-directory.ts';
import { folderName, StorageFullError } from '../../models/storage/directory.ts';
import { memoizePromise } from '../../protocol/memoize-promise.ts';
import type { BlockFiles } from '../../swarm/blocks/block-files.ts';
import { DirectoryContent } from '../../swarm/blocks/directory-content.ts';
import type { ChunkStore } from '../../swarm/content/chunked-files.ts';
import { blockRunSettings, blockSeedOf, openBlockRun } from '../../training/blocks/open-block-run.ts';
import { checkpointRootOf, memberRun } from '../../workers/block-member.ts';
import type { BlockModel, HopMethods, PageFiles, RunFolder } from '../../workers/hop-api.ts';
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
  const ended = new AbortController();
  const parts = memoizePromise(() => openBaseStore(worker));
  const taken = takeModel(model, parts, AbortSignal.any([signal, ended.signal]));
  const worker: HopMethods = connectHops(thread, { ended: crashed, files: taken.files });
  try {
    const folder = ['starling', device.toLowerCase(), folderName(networkId)];
    const opened = await worker.open(
      { model: taken.model, settings, dataSets, engine, threads: threadsHere(), folder },
      signal,
    );
    // A private window has its folders in memory, where a kept part would lie a second time.
    if (opened.isFolderTemporary && model.kind === 'chunked') (await parts()).quotaBytes = 0;
    const { run } = await openBlockRun({ source: taken.source, settings, dataSets, signal });
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
      files: filesOf(worker, 'blocks'),
      checkpointRoot: (steps, state) => checkpointRootOf({ plan: run.plan, base }, steps, state),
      assemble: (files) => worker.assemble(files),
      setShare: (share) => worker.setShare(share),
      stop: memoizePromise(() => {
        ended.abort();
        return worker.stop().finally(() => thread.terminate());
      }),
    };
  } catch (error) {
    ended.abort();
    thread.terminate();
    throw error;
  }
}

interface TakenModel {
  readonly model: BlockModel;
  /** The model's small files, for this thread. The worker reads its weights. */
  readonly source: ModelSource;
  /** Reads for the worker what nobody has fetched yet. */
  readonly files?: PageFiles;
}

function takeModel(
  model: OpenBlocksOptions['model'],
  openStore: () => Promise<ChunkStore>,
  signal: AbortSignal,
): TakenModel {
  switch (model.kind) {
    case 'stored':
      return { model, source: directorySource(opfsModelDirectory(MODELS), model.id, model.files) };
    case 'published':
      return { model, source: publishedSource(modelAt(model.url)) };
    case 'chunked': {
      const chunked = model.open(openStore);
      const files: PageFiles = {
        read: (name, offset, length) => chunked.read(name, offset, length, signal),
        released: (parts) => chunked.release(parts),
      };
      const named = model.files.map(({ path, size }) => ({ name: path, size }));
      const source = callbackSource({ description: 'the swarm', files: named, read: files.read });
      return { model: { kind: 'chunked', files: named }, source, files };
    }
  }
}

/**
 * Keeps the parts of the model that were fetched. They have as much room as blocks, whose frozen weights
 * count in what a device may keep.
 */
async function openBaseStore(worker: HopMethods): Promise<DirectoryContent> {
  const storage = await navigator.storage?.estimate?.().catch(() => undefined);
  return DirectoryContent.open({
    files: filesOf(worker, 'base'),
    quotaBytes: blockQuota(storage),
    reserves: 'chunks',
  });
}

/** A folder of the run, which the worker writes. */
function filesOf(worker: HopMethods, folder: RunFolder): BlockFiles {
  return {
    list: () => worker.listFiles(folder),
    read: (name) => worker.readFile(folder, name),
    remove: (name) => worker.removeFile(folder, name),
    async write(name, parts) {
      try {
        await worker.writeFile(folder, name, parts);
      } catch (error) {
        // Whoever keeps blocks tells a full disk from other failures by its name, which no thread passes on.
        if (!(error instanceof ComputeError) || error.kind !== 'storage-full') throw error;
        const needed = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
        throw new StorageFullError(needed, { cause: error });
      }
    },
  };
}
