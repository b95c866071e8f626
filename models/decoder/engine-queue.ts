import type { Engine } from '../../compute/engines/engine.ts';

/** The end of each engine's queue of calls. */
const queues = new WeakMap<Engine, Promise<unknown>>();

/** Runs `work` after every earlier call on this engine, which does one run at a time; sessions that share it take turns. */
export function inTurn<T>(engine: Engine, work: () => T | Promise<T>): Promise<T> {
  const result = (queues.get(engine) ?? Promise.resolve()).then(work);
  queues.set(
    engine,
    result.catch(() => undefined),
  );
  return result;
}
