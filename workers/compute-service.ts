import { checkpointRoot } from '../models/checkpoint/root.ts';
import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import type { CheckpointStore } from '../training/checkpoint-store.ts';
import { readCheckpoint } from '../training/learning-checkpoint.ts';
import { serveCalls } from './cancellable-calls.ts';
import type { ComputeCalls, ComputeEvent, ComputeStart, ComputeWorkerApi } from './compute-api.ts';
import { type ChosenEngine, ComputeHost } from './compute-host.ts';
import { modelAt } from './published-model.ts';

/** What the worker's surroundings give: where checkpoints are kept and which engines there are. */
export interface ComputeSurroundings {
  /** Opens the device's store for a run. `notice` takes a sentence for the person, such as that nothing will be kept. */
  openStore(
    options: Pick<ComputeStart, 'device' | 'run'>,
    notice: (sentence: string) => void,
  ): Promise<CheckpointStore>;
  chooseEngine(
    choice: ComputeStart['engine'],
    options: { readonly threads: number; readonly signal?: AbortSignal },
  ): Promise<ChosenEngine<EngineVerdict>>;
  readonly fetcher?: typeof fetch;
}

/** The worker's side of ComputeWorkerApi: one host at a time, calls that can be cancelled, errors as plain values. */
export function createComputeService(surroundings: ComputeSurroundings): ComputeWorkerApi {
  let host: ComputeHost<EngineVerdict> | null = null;

  const running = () => {
    if (host === null) throw new Error('Computing has not been started.');
    return host;
  };

  return serveCalls<ComputeCalls, ComputeEvent>(({ tell, cancelOthers }) => {
    const notice = (text: string) => tell({ kind: 'notice', text });
    return {
      start: async ({ device, run, modelUrl, engine, threads, share }, signal) => {
        if (host !== null) throw new Error('Computing was started already; stop it first.');
        const started = await ComputeHost.start({
          device,
          engine,
          signal,
          ...(share === undefined ? {} : { share }),
          model: modelAt(modelUrl, {
            ...(surroundings.fetcher === undefined ? {} : { fetcher: surroundings.fetcher }),
            onProgress: (file, done, total) => tell({ kind: 'download', file, done, total }),
          }),
          store: await surroundings.openStore(run === undefined ? { device } : { device, run }, notice),
          chooseEngine: (choice, inner) =>
            surroundings.chooseEngine(choice, { threads, ...(inner === undefined ? {} : { signal: inner }) }),
          onNotice: notice,
          onEngine: (report) => tell({ kind: 'engine', engine: report }),
        });
        host = started;
        return { engine: started.engine, root: started.root, cursor: started.cursor };
      },
      prompts: ({ context }) => running().prompts(context),
      answer: ({ context }, signal) => running().answer(context, signal),
      critique: ({ context, others }, signal) => running().critique(context, others, signal),
      vote: ({ context, all, critiques }, signal) => running().vote(context, all, critiques, signal),
      train: ({ context, own, foreign }, signal) => running().train(context, own, foreign, signal),
      stored: async (of) => {
        const bytes = await (await surroundings.openStore(of, notice)).load();
        if (bytes === undefined) return null;
        return { bytes, root: checkpointRoot(bytes), cursor: readCheckpoint(bytes).cursor };
      },
      checkpoint: () => running().checkpoint(),
      sampleAnswers: ({ count }, signal) => running().sampleAnswers(count, signal),
      measure: (_args, signal) => running().measure(signal),
      setShare: async ({ share }) => {
        running().setShare(share);
        return null;
      },
      stop: async (_args, signal) => {
        const stopping = host;
        host = null;
        cancelOthers(signal);
        await stopping?.stop();
        return null;
      },
    };
  });
}
