/**
 * Computes hops in a thread of its own. The hops of a small model take less time than an engine needs to
 * answer, so a device that computes all of them would otherwise hear nobody who comes, and write nothing.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { EngineKind } from '../../compute/engines/engine.ts';
import type { BlockModel } from '../../workers/hop-api.ts';
import { connectHops } from '../../workers/hop-client.ts';
import { startThread } from '../threads/typescript-thread.ts';
import type { BlockComputer, HopRun, NodeModel } from './block-computer.ts';
import { nodeEndpoint } from './node-endpoint.ts';

/** What the thread starts with. */
export interface HopThreadData {
  /** Folder of the engine's conformance verdicts. */
  readonly verdicts: string;
  /** Where it answers. */
  readonly port: MessagePort;
}

export interface HopThreadOptions extends Pick<HopThreadData, 'verdicts'> {
  readonly run: Omit<HopRun, 'opened'>;
  /** `auto` takes what computes here without a GPU. */
  readonly engine: Exclude<EngineKind, 'webgpu'> | 'auto';
  /** Threads of the wasm engine. */
  readonly threads: number;
  /** Called when the thread ended by itself, as for want of memory. Calls in progress reject. */
  readonly onCrash: (error: Error) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The thread ended by itself. */
export class HopThreadError extends Error {
  override readonly name = 'HopThreadError';
}

/** Starts the thread and its engine. Rejects with ComputeError where the run cannot be opened there. */
export async function openHopThread(options: HopThreadOptions): Promise<BlockComputer> {
  const { verdicts, run, engine, threads, onCrash, signal } = options;
  const { model, settings, dataSets } = run;
  const { port1, port2 } = new MessageChannel();
  const program = new URL('./hop.worker.ts', import.meta.url);
  const thread = startThread(program, { verdicts, port: port2 } satisfies HopThreadData, [port2]);
  let isStopped = false;
  const ended = new Promise<never>((_, reject) => {
    const end = (why: string): void => {
      if (isStopped) return;
      isStopped = true;
      const error = new HopThreadError(`The thread that computes the blocks ended: ${why}. Start again.`);
      reject(error);
      onCrash(error);
    };
    thread.on('error', (error) => end(String(error)));
    thread.on('exit', (code) => end(`exit code ${code}`));
  });
  // `onCrash` reports it where no call is waiting.
  ended.catch(() => undefined);
  const terminate = async (): Promise<void> => {
    isStopped = true;
    port1.close();
    await thread.terminate();
  };
  const worker = connectHops(nodeEndpoint(port1), {
    ended,
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
        if (!isStopped) await worker.stop().catch(() => undefined);
        await terminate();
      },
    };
  } catch (error) {
    await terminate();
    throw error;
  }
}

/** As the thread reads it: it opens a folder itself, and asks for the rest. */
function workerModelOf(model: NodeModel): BlockModel {
  return model.kind === 'folder'
    ? { kind: 'stored', id: model.folder, files: [] }
    : { kind: 'chunked', files: model.files };
}
