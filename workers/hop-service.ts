import { canPace } from '../compute/engines/duty-cycle.ts';
import type { Engine } from '../compute/engines/engine.ts';
import { predictBlockMemory } from '../models/blocks/block-memory.ts';
import { blockBytes } from '../models/blocks/block-plan.ts';
import type { EngineSelection } from '../models/engine-choice/choose.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import type { Directory } from '../models/storage/directory.ts';
import { openBlockRun } from '../training/blocks/open-block-run.ts';
import { type BlockWorker, blockWorker } from './block-worker.ts';
import { reportOf } from './engine-report.ts';
import type { HopEvent, HopMethods, HopWorkerApi, OpenBlocks } from './hop-api.ts';
import { HopHostError } from './hop-host.ts';
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
  readonly worker: BlockWorker;
  readonly engine: Engine;
  readonly files: Directory;
}

/** The worker's side of HopWorkerApi. It has one run at a time. */
export function createHopService(environment: HopEnvironment): HopWorkerApi {
  let running: Running | undefined;

  const current = (): Running => {
    if (running === undefined) throw new HopHostError('No run is open: open it first.');
    return running;
  };

  return serveMethods<HopMethods, HopEvent>(({ cancelAll }) => ({
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
        'release',
        'dataRoots',
        'compute',
      ],
    ),
    listFiles: async () => current().files.list(),
    readFile: async (name) => current().files.read(name),
    writeFile: async (name, parts) => current().files.write(name, parts),
    removeFile: async (name) => current().files.remove(name),
    async setShare(share) {
      const { engine } = current();
      if (canPace(engine)) engine.setShare(share);
    },
    async open({ model, settings, dataSets, engine: choice, threads, folder }, signal) {
      if (running !== undefined) throw new HopHostError('A run is open already: stop it first.');
      const source =
        model.kind === 'stored'
          ? environment.storedModel(model.id, model.files)
          : publishedSource(modelAt(model.url, { fetcher: environment.fetcher }));
      const opened = await openBlockRun({ source, settings, dataSets, signal });
      const { files, isTemporary } = await environment.openFolder(folder);
      const chosen = await environment.chooseEngine(choice, { threads, signal });
      const { engine } = chosen;
      running = { engine, files, worker: blockWorker(opened, engine) };
      const { plan } = opened.run;
      return {
        engine: reportOf(chosen),
        isFolderTemporary: isTemporary,
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
      cancelAll();
      await stopping?.worker.dispose();
      await stopping?.engine.stop();
    },
  }));
}
