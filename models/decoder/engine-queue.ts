import type { Engine } from '../../compute/engines/engine.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';

const queues = new WeakMap<Engine, SerialQueue>();

/**
 * The queue of an engine's calls. An engine does one run at a time, so the sessions that share it take turns.
 */
export function queueOf(engine: Engine): SerialQueue {
  const queue = queues.get(engine) ?? new SerialQueue();
  queues.set(engine, queue);
  return queue;
}
