// How several threads run one list of steps: a mailbox in the first page of the shared memory.
import { SPINS } from './barrier';
import { steps } from './steps';

// Control words (byte addresses), which team.ts above this folder and pool-worker.js know too.
const ORDER: usize = 128; // lists of steps ordered so far; a member waits for it to grow
const PROGRAM: usize = 132; // offsets, from, to of the ordered list; from = -1 tells the team to go home
const DONE: usize = 192; // lists finished, counted by thread 0 where it is a member (the caller must not block)
const RESULT: usize = 196; // what thread 0's list gave

/** A member's life: runs each list of steps that is ordered, until told to go home. */
export function serve(thread: i32, threads: i32, seen: i32): void {
  if (ASC_FEATURE_THREADS) {
    while (true) {
      for (let i = 0; i < SPINS && atomic.load<i32>(ORDER) == seen; i++) {}
      while (atomic.load<i32>(ORDER) == seen) atomic.wait<i32>(ORDER, seen, -1);
      seen = atomic.load<i32>(ORDER);
      const from = load<i32>(PROGRAM, 4);
      if (from < 0) return;
      const failed = steps(load<u32>(PROGRAM), from, load<i32>(PROGRAM, 8), thread, threads);
      if (thread == 0) {
        store<i32>(RESULT, failed);
        atomic.add<i32>(DONE, 1);
        atomic.notify(DONE, -1);
      }
    }
  }
}
