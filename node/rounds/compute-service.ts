/** The service that trains, bound to Node's files. It runs in a thread, or beside a GPU in the main one. */
import { join } from 'node:path';
import { folderSource } from '../../models/loading/folder-source.ts';
import { openFileDirectory } from '../../models/storage/file-directory.ts';
import { openCheckpointStore } from '../../training/durable-checkpoint-store.ts';
import type { ComputeWorkerApi } from '../../workers/compute-api.ts';
import { type ComputeEnvironment, createComputeService } from '../../workers/compute-service.ts';
import { modelInFolder } from '../home/model-folder.ts';
import { openCritic } from '../home/open-critic.ts';

/** Where the service finds what is a device's own. It can go to a thread. */
export interface ComputeFolders {
  /** Folder of the engines' conformance verdicts. */
  readonly verdicts: string;
  /** Folder of the device's checkpoints in one swarm. */
  readonly checkpoints: string;
  /** An .onnx file of a frozen model that judges others' answers. Defaults to the model in training. */
  readonly critic?: string | undefined;
}

/** The folder of the checkpoints that a device keeps for others. */
export function keptFolder(checkpoints: string): string {
  return join(checkpoints, 'kept');
}

/** Models are named by their folders. */
export function nodeComputeService(
  { checkpoints, critic }: ComputeFolders,
  chooseEngine: ComputeEnvironment['chooseEngine'],
): ComputeWorkerApi {
  return createComputeService({
    openStore: async () => openCheckpointStore(await openFileDirectory(checkpoints)),
    openKept: () => openFileDirectory(keptFolder(checkpoints)),
    storedModel: (folder) => folderSource(folder),
    chooseEngine,
    ...(critic === undefined ? {} : { openCritic: (folder) => openCritic(critic, modelInFolder(folder)) }),
  });
}
