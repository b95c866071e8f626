/** What computes the hops of a volunteer in a swarm that trains in blocks. */
import type { Engine } from '../../compute/engines/engine.ts';
import { callbackSource, type NamedSize } from '../../models/loading/callback-source.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import type { BlockRunSettings, OpenedBlockRun } from '../../training/blocks/open-block-run.ts';
import { type BlockWorker, blockWorker } from '../../workers/block-worker.ts';
import type { PageFiles } from '../../workers/hop-api.ts';

/** A model in a folder, or one of which parts are read when they are needed. */
export type NodeModel =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'chunked'; readonly files: readonly NamedSize[]; readonly page: PageFiles };

/** Where this thread reads the model. */
export function nodeModelSource(model: NodeModel): ModelSource {
  if (model.kind === 'folder') return folderSource(model.folder);
  const { files, page } = model;
  return callbackSource({ description: 'the swarm', files, read: page.read });
}

export interface HopRun {
  readonly model: NodeModel;
  readonly settings: BlockRunSettings;
  /** The file of each data set of the tasks, by its id. */
  readonly dataSets: ReadonlyMap<string, Uint8Array>;
  /** The run as this thread has it. */
  readonly opened: OpenedBlockRun;
}

export interface BlockComputer {
  /** The engine, for a person. */
  readonly engine: string;
  readonly worker: Omit<BlockWorker, 'dispose'>;
  /** Frees the engine. */
  stop(): Promise<void>;
}

/** Computes with an engine of this thread, whose work is done elsewhere, as a GPU's is. */
export function computerOf(engine: Engine, { opened }: HopRun): BlockComputer {
  const worker = blockWorker(opened, engine);
  return {
    engine: engine.description,
    worker,
    async stop() {
      await worker.dispose();
      await engine.stop();
    },
  };
}
