/** The thread of round-computer.ts. */
import { threadEngineChooser } from '../threads/node-engine.ts';
import { exposeInThread } from '../threads/service-thread.ts';
import { type ComputeFolders, nodeComputeService } from './compute-service.ts';

exposeInThread<ComputeFolders>((folders) =>
  nodeComputeService(folders, threadEngineChooser(folders.verdicts)),
);
