// What a thread of the pool does.
import { SPINS } from './barrier';
import { FINISHED, LIST, LISTS, RESULT } from './control';
import { steps } from './steps';

/**
 * Runs each list of steps that is handed out, until the thread is told to end. `seen` lists were handed out
 * before.
 */
export function serve(thread: i32, threads: i32, seen: i32): void {
  if (ASC_FEATURE_THREADS) {
    while (true) {
      for (let i = 0; i < SPINS && atomic.load<i32>(LISTS) == seen; i++) {}
      while (atomic.load<i32>(LISTS) == seen) atomic.wait<i32>(LISTS, seen, -1);
      seen = atomic.load<i32>(LISTS);
      const from = load<i32>(LIST, 4);
      if (from < 0) return;
      const failed = steps(load<u32>(LIST), from, load<i32>(LIST, 8), thread, threads);
      if (thread == 0) {
        store<i32>(RESULT, failed);
        atomic.add<i32>(FINISHED, 1);
        atomic.notify(FINISHED, -1);
      }
    }
  }
}
