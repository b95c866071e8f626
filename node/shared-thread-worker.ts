import { setImmediate } from 'node:timers/promises';
import type { HopWorker } from '../swarm/pipeline/held-blocks.ts';

/**
 * A hop worker for the thread that also has the network, the files and the chain: these get a turn of the
 * event loop before each hop. Hops of a small model take less than the engine computes without a pause, so a
 * device that computes all hops by itself would otherwise hear nobody who comes, and write nothing.
 */
export function sharedThreadWorker<T extends HopWorker>(worker: T): T {
  return {
    ...worker,
    async compute(step, hop, inputs, signal) {
      await setImmediate();
      signal?.throwIfAborted();
      return worker.compute(step, hop, inputs, signal);
    },
  };
}
