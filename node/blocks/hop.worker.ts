/** The thread of hop-thread.ts: it binds the service that computes hops to Node. */
import { workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import { availableCandidates, chooseEngine } from '../../models/engine-choice/choose.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { createHopService } from '../../workers/hop-service.ts';
import { verdictFolder } from '../home/verdict-folder.ts';
import type { HopThreadData } from './hop-thread.ts';
import { nodeEndpoint } from './node-endpoint.ts';

const { verdicts, port } = workerData as HopThreadData;
expose(
  createHopService({
    storedModel: (folder) => folderSource(folder),
    chooseEngine: (choice, { threads, signal }) =>
      chooseEngine({
        choice,
        candidates: availableCandidates({ threads, gpu: undefined, allowSoftwareGpu: false }),
        userAgent: `node ${process.version}`,
        store: verdictFolder(verdicts),
        now: () => performance.now(),
        ...(signal === undefined ? {} : { signal }),
      }),
    // The main thread writes the blocks: files of Node are nobody's alone.
    openFolder: async () => ({ files: openMemoryDirectory(), isTemporary: true }),
  }),
  nodeEndpoint(port),
);
