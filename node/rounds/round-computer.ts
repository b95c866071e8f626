import type { EngineKind } from '../../compute/engines/engine.ts';
import type { EngineVerdict } from '../../models/engine-choice/choose.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import type { Trainer } from '../../protocol/trainer.ts';
import type { RetentionPolicy } from '../../training/checkpoint-retention.ts';
import type { DeviceClass } from '../../training/swarm-settings.ts';
import { connectCompute } from '../../workers/compute-client.ts';
import type { EngineReport } from '../../workers/engine-report.ts';
import { gpuEngineChooser } from '../threads/node-engine.ts';
import { type ServiceThread, serveHere, startServiceThread } from '../threads/service-thread.ts';
import { type ComputeFolders, nodeComputeService } from './compute-service.ts';

export interface RoundComputerOptions extends ComputeFolders {
  readonly device: DeviceAddress;
  readonly spec: SwarmSpec;
  /** Folder of the model to start from. */
  readonly model: string;
  /** The files of the swarm's data sets by id. */
  readonly dataSets: ReadonlyMap<string, Uint8Array>;
  readonly deviceClass: DeviceClass;
  /** Which of its checkpoints the device keeps for others. */
  readonly retention: RetentionPolicy;
  readonly engine: EngineKind | 'auto';
  /** Threads of the wasm engine. */
  readonly threads: number;
  readonly onNotice: (sentence: string) => void;
  /** Called when the thread that computes ended by itself. Calls in progress reject. */
  readonly onCrash: (error: Error) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What computes a device's rounds. */
export interface RoundComputer {
  readonly trainer: Trainer;
  /** The engine of now: another one takes over where a GPU is lost. */
  engine(): EngineReport<EngineVerdict>;
  /** The next round to train when it began. */
  readonly cursor: number;
  /** Speed of training in GFLOP/s. Null where measuring would take minutes. */
  readonly speed: number | null;
  /** Cancels the calls in progress, and frees the engine. */
  stop(): Promise<void>;
}

/**
 * Computes rounds in a thread of its own. A step of a large model takes seconds, in which a device that
 * computes beside its connections would hear nobody, and be taken for gone. With a GPU it computes in this
 * thread, because the GPU's native code runs in no other. Rejects with ComputeError, whose sentence names the
 * remedy, where the engine or the trainer cannot be started.
 */
export async function openRoundComputer(options: RoundComputerOptions): Promise<RoundComputer> {
  const { device, spec, model, dataSets, deviceClass, engine, threads, retention, signal } = options;
  const thread = startService(options);
  const client = connectCompute(
    thread.endpoint,
    (event) => {
      if (event.kind === 'notice') options.onNotice(event.text);
      if (event.kind === 'engine') report = event.engine;
    },
    { ended: thread.ended },
  );
  let report: EngineReport<EngineVerdict>;
  try {
    // The reference engine takes minutes for a step.
    const speed = engine === 'reference' ? null : await client.measure({ engine, threads }, signal);
    const started = await client.start(
      {
        ...{ device, engine, threads, dataSets, deviceClass },
        spec: encodeSwarmSpec(spec).bytes,
        model: { kind: 'stored', id: model, files: [] },
        keep: retention,
      },
      signal,
    );
    report = started.engine;
    return {
      trainer: client,
      engine: () => report,
      cursor: started.cursor,
      speed,
      async stop() {
        if (!thread.hasEnded()) await client.stop().catch(() => undefined);
        await thread.terminate();
      },
    };
  } catch (error) {
    await thread.terminate();
    throw error;
  }
}

function startService(options: RoundComputerOptions): ServiceThread {
  const { verdicts, checkpoints, critic, engine, onCrash } = options;
  const folders: ComputeFolders = { verdicts, checkpoints, critic };
  if (engine === 'webgpu') return serveHere(nodeComputeService(folders, gpuEngineChooser(verdicts)));
  return startServiceThread({
    program: new URL('./compute.worker.ts', import.meta.url),
    data: { ...folders },
    work: 'trains',
    onCrash,
  });
}
