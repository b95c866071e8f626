import { canPace } from '../compute/engines/duty-cycle.ts';
import type { Engine } from '../compute/engines/engine.ts';
import { predictBlockMemory } from '../models/blocks/block-memory.ts';
import { blockBytes } from '../models/blocks/block-plan.ts';
import type { EngineSelection } from '../models/engine-choice/choose.ts';
import { type CallbackSourceOptions, callbackSource } from '../models/loading/callback-source.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import type { Directory } from '../models/storage/directory.ts';
import { type OpenedBlockRun, openBlockRun } from '../training/blocks/open-block-run.ts';
import { type BlockWorker, blockWorker } from './block-worker.ts';
import { reportOf } from './engine-report.ts';
import type { BlockModel, HopEvent, HopMethods, HopWorkerApi, OpenBlocks, RunFolder } from './hop-api.ts';
import { HopHostError } from './hop-host.ts';
import { PageReads } from './page-reads.ts';
import { modelAt, publishedSource } from './published-model.ts';
import { forwardMethods, serveMethods } from './remote-methods.ts';

/** What the service needs from its worker: storage, engines and the network. */
export interface HopEnvironment {
  chooseEngine(
    choice: OpenBlocks['engine'],
    options: { readonly threads: number; readonly signal?: AbortSignal },
  ): Promise<EngineSelection>;
  /** A model on this device. Reading a file that is gone throws ModelLoadError. */
  storedModel(id: string, files: readonly string[]): ModelSource;
  /** The folder of a run's blocks. It is temporary where the browser gives no storage. */
  openFolder(path: readonly string[]): Promise<{ readonly files: Directory; readonly isTemporary: boolean }>;
  /** Defaults to the global `fetch`. */
  readonly fetcher?: typeof fetch;
}

interface Running {
  readonly opened: OpenedBlockRun;
  readonly worker: BlockWorker;
  readonly engine: Engine;
  /** Whether the page reads the model's files for the run. */
  readonly isChunked: boolean;
}

type Folders = Readonly<Record<RunFolder, Directory>>;

/** The worker's side of HopWorkerApi. It has one run at a time. */
export function createHopService(environment: HopEnvironment): HopWorkerApi {
  let running: Running | undefined;
  /** Open before the run is: parts of its model are written to one of them. */
  let folders: Folders | undefined;
  const reads = new PageReads();

  const current = (): Running => {
    if (running === undefined) throw new HopHostError('No run is open: open it first.');
    return running;
  };

  const folderOf = (name: RunFolder): Directory => {
    if (folders === undefined) throw new HopHostError('No run is open: open it first.');
    return folders[name];
  };

  return serveMethods<HopMethods, HopEvent>(({ cancelAll, emit }) => ({
    ...forwardMethods(
      () => current().worker,
      [
        'begin',
        'load',
        'firstRoots',
        'base',
        'describe',
        'assemble',
        'file',
        'forget',
        'dataRoots',
        'compute',
      ],
    ),
    listFiles: async (folder) => folderOf(folder).list(),
    readFile: async (folder, name) => folderOf(folder).read(name),
    writeFile: async (folder, name, parts) => folderOf(folder).write(name, parts),
    removeFile: async (folder, name) => folderOf(folder).remove(name),
    give: async (id, answer) => reads.answer(id, answer),
    async release(block) {
      const { worker, opened, isChunked } = current();
      await worker.release(block);
      if (isChunked) emit({ kind: 'released', parts: await opened.frozenParts(block) });
    },
    async setShare(share) {
      const { engine } = current();
      if (canPace(engine)) engine.setShare(share);
    },
    async open({ model, settings, dataSets, engine: choice, threads, folder }, signal) {
      if (running !== undefined) throw new HopHostError('A run is open already: stop it first.');
      const blocks = await environment.openFolder([...folder, 'blocks']);
      const base = await environment.openFolder([...folder, 'base']);
      folders = { blocks: blocks.files, base: base.files };
      const read: PageRead = (name, offset, length, stop) =>
        reads.ask((id) => emit({ kind: 'read', id, name, offset, length }), stop);
      const source = sourceOf(model, environment, read);
      const opened = await openBlockRun({ source, settings, dataSets, signal });
      const chosen = await environment.chooseEngine(choice, { threads, signal });
      const { engine } = chosen;
      running = { opened, engine, worker: blockWorker(opened, engine), isChunked: model.kind === 'chunked' };
      const { plan } = opened.run;
      return {
        engine: reportOf(chosen),
        isFolderTemporary: blocks.isTemporary,
        blocks: plan.blocks.map((block) => ({
          id: block.id,
          bytes: blockBytes(plan, block),
          memory: predictBlockMemory(opened.run.step(0), [block.id]).total,
        })),
      };
    },
    async stop() {
      const stopping = running;
      running = undefined;
      folders = undefined;
      cancelAll();
      await stopping?.worker.dispose();
      await stopping?.engine.stop();
    },
  }));
}

type PageRead = CallbackSourceOptions['read'];

function sourceOf(model: BlockModel, environment: HopEnvironment, read: PageRead): ModelSource {
  switch (model.kind) {
    case 'stored':
      return environment.storedModel(model.id, model.files);
    case 'published':
      return publishedSource(modelAt(model.url, { fetcher: environment.fetcher }));
    case 'chunked':
      return callbackSource({ description: 'the swarm', files: model.files, read });
  }
}
