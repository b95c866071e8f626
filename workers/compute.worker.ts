/// <reference lib="webworker" />
/** The dedicated worker in which a tab trains. It binds compute-service.ts to the browser. */
import * as Comlink from 'comlink';
import { directorySource } from '../models/loading/directory-source.ts';
import { MODELS, opfsModelDirectory } from '../models/loading/opfs-model-directory.ts';
import { StorageBusyError } from '../models/storage/directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { openOpfsDirectory } from '../models/storage/opfs-directory.ts';
import { openCheckpointStore } from '../training/durable-checkpoint-store.ts';
import { chooseBrowserEngine } from './browser-engine.ts';
import { createComputeService } from './compute-service.ts';
import { deviceFolder, keptFolder } from './device-folders.ts';
import { trustOwnScripts } from './trusted-scripts.ts';

trustOwnScripts();
Comlink.expose(
  createComputeService({
    async openStore(owner, notice) {
      try {
        return openCheckpointStore(await openOpfsDirectory(deviceFolder(owner)));
      } catch (error) {
        if (error instanceof StorageBusyError) throw error;
        notice(
          'This browser gives the page no storage of its own (a private window does this): progress is lost when the tab closes.',
        );
        return openCheckpointStore(openMemoryDirectory());
      }
    },
    openKept: (owner) => openOpfsDirectory(keptFolder(owner)),
    storedModel: (id, files) => directorySource(opfsModelDirectory(MODELS), id, files),
    chooseEngine: chooseBrowserEngine,
  }),
);
