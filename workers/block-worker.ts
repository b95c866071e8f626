/** The calls of a hop worker over an opened run, on an engine of this thread. */
import type { Engine } from '../compute/engines/engine.ts';
import { adaptersOf, decodeBlock, encodeBlock, modelOf } from '../models/blocks/block-version.ts';
import { checkpointRoot, tensorRoot } from '../models/checkpoint/root.ts';
import { encodeCheckpoint } from '../models/decoder/checkpoint.ts';
import { encodeAdapters } from '../models/decoder/lora/adapter-state.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import type { OpenedBlockRun } from '../training/blocks/open-block-run.ts';
import { RUN_CURSOR } from './block-member.ts';
import type { HopMethods, LoadedBlock } from './hop-api.ts';
import { HopHost } from './hop-host.ts';

/** The methods of a worker that has an engine of its own and files. */
type OfThread = 'open' | 'stop' | 'setShare' | 'listFiles' | 'readFile' | 'writeFile' | 'removeFile' | 'give';

export type BlockWorker = Omit<HopMethods, OfThread> & {
  /** Frees the engine's tensors. The caller stops the engine. */
  dispose(): Promise<void>;
};

/** A worker of this thread. */
export function blockWorker(opened: OpenedBlockRun, engine: Engine): BlockWorker {
  const { run, first, frozen } = opened;
  const host = new HopHost({ engine, run, ...(run.plan.weights.frozen ? { frozen } : {}) });
  const loaded = async (file: Uint8Array): Promise<LoadedBlock> => {
    const { version, roots } = await host.load(file);
    return { ...version, roots };
  };
  return {
    begin: async (block, signal) => loaded(encodeBlock(run.plan, await first(block, signal))),
    load: loaded,
    base: (signal) => opened.base(signal),
    async firstRoots(signal) {
      const roots = new Map<string, Hex>();
      for (const { id } of run.plan.blocks) {
        for (const [name, root] of rootsOf((await first(id, signal)).tensors)) roots.set(name, root);
      }
      return roots;
    },
    async describe(file) {
      const { block, step, tensors } = decodeBlock(run.plan, file);
      return { block, step, roots: rootsOf(tensors) };
    },
    async assemble(files) {
      const { plan } = run;
      const versions = files.map((file) => decodeBlock(plan, file));
      const { lora } = plan.weights;
      const base = await opened.base();
      if (lora === undefined || base === null) {
        const state = modelOf(plan, versions);
        const bytes = encodeCheckpoint({ config: plan.config, state, ...RUN_CURSOR });
        return { step: state.step, bytes, root: checkpointRoot(bytes) };
      }
      const state = adaptersOf(plan, versions);
      const bytes = encodeAdapters({ config: plan.config, lora, base, state });
      return { step: state.step, bytes, root: checkpointRoot(bytes) };
    },
    file: async (block, step) => host.file(block, step),
    forget: (block) => host.forget(block),
    release: (block) => host.release(block),
    dataRoots: async (step) => host.dataRoots(step),
    compute: (step, hop, inputs, signal) => host.compute(step, hop, inputs, { signal }),
    dispose: () => host.dispose(),
  };
}

function rootsOf(tensors: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Hex> {
  return new Map([...tensors].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))]));
}
