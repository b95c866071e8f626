import type { Engine } from '../compute/engines/engine.ts';
import { blockBytes } from '../models/blocks/block-plan.ts';
import { decodeBlock, encodeBlock } from '../models/blocks/block-version.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import { type OpenedBlockRun, openBlockRun } from '../training/blocks/open-block-run.ts';
import type { HopEvent, HopMethods, HopWorkerApi, LoadedBlock, OpenBlocks } from './hop-api.ts';
import { HopHost, HopHostError } from './hop-host.ts';
import { modelAt, publishedSource } from './published-model.ts';
import { serveMethods } from './remote-methods.ts';

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

interface Running {
  readonly opened: OpenedBlockRun;
  readonly engine: Engine;
  readonly host: HopHost;
}

/** The worker's side of HopWorkerApi. It has one run at a time. */
export function createHopService(environment: HopEnvironment): HopWorkerApi {
  let running: Running | undefined;

  const current = (): Running => {
    if (running === undefined) throw new HopHostError('No run is open: open it first.');
    return running;
  };
  const loaded = (host: HopHost, file: Uint8Array): LoadedBlock => {
    const { version, roots } = host.load(file);
    return { ...version, roots };
  };

  return serveMethods<HopMethods, HopEvent>(({ cancelAll }) => ({
    async open({ model, settings, dataSets, engine: choice, threads }, signal) {
      if (running !== undefined) throw new HopHostError('A run is open already: stop it first.');
      const source =
        model.kind === 'stored'
          ? environment.storedModel(model.id, model.files)
          : publishedSource(modelAt(model.url, { fetcher: environment.fetcher }));
      const opened = await openBlockRun({ source, settings, dataSets, signal });
      const { engine } = await environment.chooseEngine(choice, { threads, signal });
      running = { opened, engine, host: new HopHost({ engine, run: opened.run }) };
      const { plan } = opened.run;
      return {
        engine: engine.description,
        blocks: plan.blocks.map((block) => ({ id: block.id, bytes: blockBytes(plan, block) })),
      };
    },
    async begin(block, signal) {
      const { opened, host } = current();
      return loaded(host, encodeBlock(opened.run.plan, await opened.first(block, signal)));
    },
    async load(file) {
      return loaded(current().host, file);
    },
    async firstRoots(signal) {
      const { opened } = current();
      const roots = new Map<string, Hex>();
      for (const { id } of opened.run.plan.blocks) {
        const { tensors } = await opened.first(id, signal);
        for (const [name, bytes] of tensors) roots.set(name, toHex(tensorRoot(bytes)));
      }
      return roots;
    },
    async describe(file) {
      const { block, step, tensors } = decodeBlock(current().opened.run.plan, file);
      const roots = new Map([...tensors].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))]));
      return { block, step, roots };
    },
    async file(block, step) {
      return current().host.file(block, step);
    },
    async release(block) {
      await current().host.release(block);
    },
    async dataRoots(step) {
      return current().host.dataRoots(step);
    },
    compute: async (step, hop, inputs, signal) => current().host.compute(step, hop, inputs, { signal }),
    async stop() {
      const stopping = running;
      running = undefined;
      cancelAll();
      await stopping?.host.dispose();
      await stopping?.engine.stop();
    },
  }));
}
