/// <reference lib="webworker" />
/** The dedicated worker in which a tab computes hops. It binds hop-service.ts to the browser. */
import * as Comlink from 'comlink';
import { directorySource } from '../models/loading/directory-source.ts';
import { MODELS, opfsModelDirectory } from '../models/loading/opfs-model-directory.ts';
import { StorageBusyError } from '../models/storage/directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { openOpfsDirectory } from '../models/storage/opfs-directory.ts';
import { chooseBrowserEngine } from './browser-engine.ts';
import { createHopService } from './hop-service.ts';
import { trustOwnScripts } from './trusted-scripts.ts';

trustOwnScripts();
Comlink.expose(
  createHopService({
    storedModel: (id, files) => directorySource(opfsModelDirectory(MODELS), id, files),
    chooseEngine: chooseBrowserEngine,
    async openFolder(path) {
      try {
        return { files: await openOpfsDirectory(path), isTemporary: false };
      } catch (error) {
        if (error instanceof StorageBusyError) throw error;
        return { files: openMemoryDirectory(), isTemporary: true };
      }
    },
  }),
);
