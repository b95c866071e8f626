/** The thread of hop-thread.ts: it binds the service that computes hops to Node. */
import { folderSource } from '../../models/loading/folder-source.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { createHopService } from '../../workers/hop-service.ts';
import { threadEngineChooser } from '../threads/node-engine.ts';
import { exposeInThread } from '../threads/service-thread.ts';
import type { HopThreadData } from './hop-thread.ts';

exposeInThread<HopThreadData>(({ verdicts }) =>
  createHopService({
    storedModel: (folder) => folderSource(folder),
    chooseEngine: threadEngineChooser(verdicts),
    // The main thread writes the blocks: files of Node are nobody's alone.
    openFolder: async () => ({ files: openMemoryDirectory(), isTemporary: true }),
  }),
);
