/** What computes the hops of a volunteer in a swarm that trains in blocks. */
import type { Engine } from '../../compute/engines/engine.ts';
import type { BlockRunSettings, OpenedBlockRun } from '../../training/blocks/open-block-run.ts';
import { type BlockWorker, blockWorker } from '../../workers/block-worker.ts';

export interface HopRun {
  /** The model's folder. */
  readonly model: string;
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
