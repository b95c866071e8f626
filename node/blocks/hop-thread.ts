/**
 * Computes hops in a thread of its own. The hops of a small model take less time than an engine needs to
 * answer, so a device that computes all of them would otherwise hear nobody who comes, and write nothing.
 */
import type { BlockModel } from '../../workers/hop-api.ts';
import { connectHops } from '../../workers/hop-client.ts';
import type { ThreadEngine } from '../threads/node-engine.ts';
import { startServiceThread, type ThreadError } from '../threads/service-thread.ts';
import type { BlockComputer, HopRun, NodeModel } from './block-computer.ts';

/** What the thread starts with. */
export interface HopThreadData {
  /** Folder of the engine's conformance verdicts. */
  readonly verdicts: string;
}

export interface HopThreadOptions extends HopThreadData {
  readonly run: Omit<HopRun, 'opened'>;
  /** `auto` takes what computes here without a GPU. */
  readonly engine: ThreadEngine | 'auto';
  /** Threads of the wasm engine. */
  readonly threads: number;
  /** Called when the thread ended by itself. Calls in progress reject. */
  readonly onCrash: (error: ThreadError) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Starts the thread and its engine. Rejects with ComputeError where the run cannot be opened there. */
export async function openHopThread(options: HopThreadOptions): Promise<BlockComputer> {
  const { verdicts, run, engine, threads, onCrash, signal } = options;
  const { model, settings, dataSets } = run;
  const thread = startServiceThread({
    program: new URL('./hop.worker.ts', import.meta.url),
    data: { verdicts } satisfies HopThreadData,
    work: 'computes the blocks',
    onCrash,
  });
  const worker = connectHops(thread.endpoint, {
    ended: thread.ended,
    files: model.kind === 'chunked' ? model.page : undefined,
  });
  try {
    const opened = await worker.open(
      { model: workerModelOf(model), settings, dataSets, engine, threads, folder: [] },
      signal,
    );
    return {
      engine: opened.engine.description,
      worker,
      async stop() {
        if (!thread.hasEnded()) await worker.stop().catch(() => undefined);
        await thread.terminate();
      },
    };
  } catch (error) {
    await thread.terminate();
    throw error;
  }
}

/** As the thread reads it: it opens a folder itself, and asks for the rest. */
function workerModelOf(model: NodeModel): BlockModel {
  return model.kind === 'folder'
    ? { kind: 'stored', id: model.folder, files: [] }
    : { kind: 'chunked', files: model.files };
}
