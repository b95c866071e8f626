/// <reference lib="webworker" />
/** The dedicated worker that holds a published model. It binds model-service.ts to the browser. */
import * as Comlink from 'comlink';
import { BaseLibrary } from '../models/loading/base-library.ts';
import { ModelLibrary } from '../models/loading/library.ts';
import { MODELS, opfsModelDirectory } from '../models/loading/opfs-model-directory.ts';
import { policyFetch } from '../models/loading/policy-fetch.ts';
import { chooseBrowserEngine } from './browser-engine.ts';
import { createModelService } from './model-service.ts';
import { trustOwnScripts } from './trusted-scripts.ts';

const { deviceMemory } = navigator as WorkerNavigator & { readonly deviceMemory?: number };

trustOwnScripts();
const storage = {
  directory: opfsModelDirectory(MODELS),
  fetch: policyFetch({
    fetch: (input, init) => fetch(input, init),
    violations: self,
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  }),
  async room() {
    const { quota, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    return quota === undefined ? undefined : Math.max(0, quota - usage);
  },
};
Comlink.expose(
  createModelService({
    library: new ModelLibrary(storage),
    bases: new BaseLibrary(storage),
    chooseEngine: chooseBrowserEngine,
    deviceMemory,
    now: () => performance.now(),
  }),
);
