import type { Engine } from '../compute/engines/engine.ts';
import { predictBlockMemory } from '../models/blocks/block-memory.ts';
import { blockBytes } from '../models/blocks/block-plan.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import { openBlockRun } from '../training/blocks/open-block-run.ts';
import { type BlockWorker, blockWorker } from './block-worker.ts';
import type { HopEvent, HopMethods, HopWorkerApi, OpenBlocks } from './hop-api.ts';
import { HopHostError } from './hop-host.ts';
import { modelAt, publishedSource } from './published-model.ts';
import { forwardMethods, serveMethods } from './remote-methods.ts';

/** What the service needs from its worker: storage, engines and the network. */
export interface HopEnvironment {
  chooseEngine(
    choice: OpenBlocks['engine'],
    options: { readonly threads: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly engine: Engine }>;
  /** A model on this device. Reading a file that is gone throws ModelLoadError. */
  storedModel(id: string, files: readonly string[]): ModelSource;
  /** Defaults to the global `fetch`. */
  readonly fetcher?: typeof fetch;
}

/** The worker's side of HopWorkerApi. It has one run at a time. */
export function createHopService(environment: HopEnvironment): HopWorkerApi {
  let running: { readonly worker: BlockWorker; readonly engine: Engine } | undefined;

  const current = (): BlockWorker => {
    if (running === undefined) throw new HopHostError('No run is open: open it first.');
    return running.worker;
  };

  return serveMethods<HopMethods, HopEvent>(({ cancelAll }) => ({
    ...forwardMethods(current, [
      'begin',
      'load',
      'firstRoots',
      'describe',
      'file',
      'release',
      'dataRoots',
      'compute',
    ]),
    async open({ model, settings, dataSets, engine: choice, threads }, signal) {
      if (running !== undefined) throw new HopHostError('A run is open already: stop it first.');
      const source =
        model.kind === 'stored'
          ? environment.storedModel(model.id, model.files)
          : publishedSource(modelAt(model.url, { fetcher: environment.fetcher }));
      const opened = await openBlockRun({ source, settings, dataSets, signal });
      const { engine } = await environment.chooseEngine(choice, { threads, signal });
      running = { engine, worker: blockWorker(opened, engine) };
      const { plan } = opened.run;
      return {
        engine: engine.description,
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
