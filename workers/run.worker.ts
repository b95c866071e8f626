/// <reference lib="webworker" />
/** The dedicated worker in which a tab does whole runs. All logic is in run-service.ts; this binds it to the browser. */
import * as Comlink from 'comlink';
import { availableCandidates, chooseEngine } from '../models/engine-choice/choose.ts';
import { openOpfsDirectory } from '../models/storage/opfs-directory.ts';
import { createRunService } from './run-service.ts';
import { verdictDatabase } from './verdict-database.ts';

const verdicts = verdictDatabase();

Comlink.expose(
  createRunService({
    openFolder: (name) => openOpfsDirectory(['starling', 'runs', name]),
    // The processor: a run that is claimed or checked should not wait for the GPU that contributes, and has the same bits.
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
