/// <reference lib="webworker" />
/** The dedicated worker in which a tab computes hops. It binds hop-service.ts to the browser. */
import * as Comlink from 'comlink';
import { directorySource } from '../models/loading/directory-source.ts';
import { MODELS, opfsModelDirectory } from '../models/loading/opfs-model-directory.ts';
import { chooseBrowserEngine } from './browser-engine.ts';
import { createHopService } from './hop-service.ts';
import { trustOwnScripts } from './trusted-scripts.ts';

trustOwnScripts();
Comlink.expose(
  createHopService({
    storedModel: (id, files) => directorySource(opfsModelDirectory(MODELS), id, files),
    chooseEngine: chooseBrowserEngine,
  }),
);
