/// <reference lib="webworker" />
/** The dedicated worker that holds a published model. It binds model-service.ts to the browser. */
import * as Comlink from 'comlink';
import { ModelLibrary } from '../models/loading/library.ts';
import { opfsModelDirectory } from '../models/loading/opfs-model-directory.ts';
import { policyFetch } from '../models/loading/policy-fetch.ts';
import { chooseBrowserEngine } from './browser-engine.ts';
import { createModelService } from './model-service.ts';
import { trustOwnScripts } from './trusted-scripts.ts';

const { deviceMemory } = navigator as WorkerNavigator & { readonly deviceMemory?: number };

trustOwnScripts();
Comlink.expose(
  createModelService({
    library: new ModelLibrary({
      directory: opfsModelDirectory(['starling', 'models']),
      fetch: policyFetch({
        fetch: (input, init) => fetch(input, init),
        violations: self,
        wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      }),
      async room() {
        const { quota, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
        return quota === undefined ? undefined : Math.max(0, quota - usage);
      },
    }),
    chooseEngine: chooseBrowserEngine,
    deviceMemory,
    now: () => performance.now(),
  }),
);
