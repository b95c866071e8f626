/// <reference lib="webworker" />
/** The dedicated worker in which a tab computes whole runs. It binds run-service.ts to the browser. */
import * as Comlink from 'comlink';
import { availableCandidates, chooseEngine } from '../models/engine-choice/choose.ts';
import { openOpfsDirectory } from '../models/storage/opfs-directory.ts';
import { createRunService } from './run-service.ts';
import { trustOwnScripts } from './trusted-scripts.ts';
import { verdictDatabase } from './verdict-database.ts';

const verdicts = verdictDatabase();

trustOwnScripts();
Comlink.expose(
  createRunService({
    openFolder: (name) => openOpfsDirectory(['starling', 'runs', name]),
    // The processor gives the same bits, and a claimed or checked run should not wait for the GPU that
    // contributes.
    async openEngine(threads, signal) {
      const { engine } = await chooseEngine({
        choice: 'wasm',
        candidates: availableCandidates({ threads, gpu: undefined, allowSoftwareGpu: false }),
        userAgent: navigator.userAgent,
        store: verdicts,
        now: () => performance.now(),
        signal,
      });
      return engine;
    },
  }),
);
