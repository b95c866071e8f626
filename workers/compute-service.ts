import { checkpointRoot } from '../models/checkpoint/root.ts';
import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import { measureTraining } from '../models/engine-choice/measure.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import type { Directory } from '../models/storage/directory.ts';
import { decodeSwarmSpec } from '../protocol/swarm-spec-codec.ts';
import { openCheckpointRetention } from '../training/checkpoint-retention.ts';
import type { CheckpointStore } from '../training/checkpoint-store.ts';
import type { Critic } from '../training/critique.ts';
import { readCheckpoint } from '../training/learning-checkpoint.ts';
import { learningSettingsOf } from '../training/swarm-settings.ts';
import type {
  CheckpointOwner,
  ComputeEvent,
  ComputeMethods,
  ComputeStart,
  ComputeWorkerApi,
} from './compute-api.ts';
import { ComputeHost } from './compute-host.ts';
import type { ChosenEngine } from './engine-report.ts';
import { modelAt, publishedSource } from './published-model.ts';
import { forwardMethods, serveMethods } from './remote-methods.ts';

/** What the service needs from its worker: storage, engines and the network. */
export interface ComputeEnvironment {
  /** Opens a device's store. `notice` takes a sentence for the person, such as that nothing will be kept. */
  openStore(owner: CheckpointOwner, notice: (sentence: string) => void): Promise<CheckpointStore>;
  /** Opens the folder of the checkpoints that a device keeps for others. Throws StorageError. */
  openKept(owner: CheckpointOwner): Promise<Directory>;
  chooseEngine(
    choice: ComputeStart['engine'],
    options: { readonly threads: number; readonly signal?: AbortSignal },
  ): Promise<ChosenEngine<EngineVerdict>>;
  /** A model on this device. Reading a file that is gone throws ModelLoadError. */
  storedModel(id: string, files: readonly string[]): ModelSource;
  /** Defaults to the global `fetch`. */
  readonly fetcher?: typeof fetch;
  /**
   * Opens what judges others' answers, for a model on this device. Defaults to the model in training. Its
   * errors reject `start`.
   */
  readonly openCritic?: (
    id: string,
  ) => Promise<{ readonly critic: Critic; readonly close: () => Promise<void> }>;
}

/** The worker's side of ComputeWorkerApi. It runs one host at a time. */
export function createComputeService(environment: ComputeEnvironment): ComputeWorkerApi {
  let host: ComputeHost<EngineVerdict> | null = null;
  let critic: Awaited<ReturnType<NonNullable<ComputeEnvironment['openCritic']>>> | undefined;

  const closeCritic = async (): Promise<void> => {
    const closing = critic;
    critic = undefined;
    await closing?.close();
  };

  const running = () => {
    if (host === null) throw new Error('Computing has not been started.');
    return host;
  };

  return serveMethods<ComputeMethods, ComputeEvent>(({ emit, cancelAll }) => {
    const notice = (text: string) => emit({ kind: 'notice', text });
    return {
      ...forwardMethods(running, [
        'prompts',
        'answer',
        'critique',
        'vote',
        'train',
        'checkpoint',
        'sampleAnswers',
        'evaluate',
        'explain',
        'ask',
      ]),
      async start(options, signal) {
        const { device, networkId, model, engine, threads, share, spec, dataSets, keep, deviceClass } =
          options;
        if (host !== null) throw new Error('Computing was started already; stop it first.');
        const swarm = spec === undefined ? undefined : decodeSwarmSpec(spec);
        const source =
          model.kind === 'stored'
            ? environment.storedModel(model.id, model.files)
            : publishedSource(
                modelAt(model.url, {
                  fetcher: environment.fetcher,
                  onProgress: (file, done, total) => emit({ kind: 'download', file, done, total }),
                }),
              );
        const store = await environment.openStore({ device, networkId }, notice);
        const kept = keep === undefined ? undefined : await environment.openKept({ device, networkId });
        if (model.kind === 'stored') critic = await environment.openCritic?.(model.id);
        try {
          host = await ComputeHost.start({
            ...{ device, swarm, dataSets, engine, share, signal, store, model: source },
            ...(swarm === undefined || deviceClass === undefined
              ? {}
              : { settings: learningSettingsOf(swarm, deviceClass) }),
            ...(keep === undefined || kept === undefined
              ? {}
              : { retention: openCheckpointRetention({ directory: kept, policy: keep }) }),
            critic: critic?.critic,
            chooseEngine: (choice, inner) => environment.chooseEngine(choice, { threads, signal: inner }),
            onNotice: notice,
            onEngine: (report) => emit({ kind: 'engine', engine: report }),
          });
        } catch (error) {
          await closeCritic();
          throw error;
        }
        return { engine: host.engine, root: host.root, cursor: host.cursor };
      },
      async measure({ engine: choice, threads }, signal) {
        const { engine, verdicts } = await environment.chooseEngine(choice, { threads, signal });
        try {
          const known = verdicts.find(({ kind }) => kind === engine.kind)?.speed;
          if (known !== undefined) return known;
          const now = () => performance.now();
          return (await measureTraining({ engine, now, steps: 1, signal })).gflops;
        } finally {
          await engine.stop();
        }
      },
      async stored(owner) {
        const bytes = await (await environment.openStore(owner, notice)).load();
        if (bytes === undefined) return null;
        return { bytes, root: checkpointRoot(bytes), cursor: readCheckpoint(bytes).cursor };
      },
      async setShare(share) {
        running().setShare(share);
      },
      async stop() {
        const stopping = host;
        host = null;
        cancelAll();
        await stopping?.stop();
        await closeCritic();
      },
    };
  });
}
