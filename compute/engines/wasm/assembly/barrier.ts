// A barrier for the threads that run one list of steps, in the first page of the shared memory.
import { ARRIVED, BROKEN, FAILED_STEP, PASSED, REPORTED_STEP } from './control';

// About 20 µs: a step is often shorter than the time that waking a sleeping thread takes
// (docs/decisions/0004-wasm-kernels.md).
export const SPINS: i32 = 20000;
/** 0.1 s in ns: how long a thread sleeps before it looks at BROKEN again. */
const SLEEP_NS: i64 = 100_000_000;
/** Two minutes of such sleeps at one barrier: the browser must have ended one of the threads. */
const MAX_SLEEPS: i32 = 1200;

/** Tells all threads, once they pass the next barrier, that a step failed. */
export function reportFailure(step: i32): void {
  if (ASC_FEATURE_THREADS) atomic.store<i32>(REPORTED_STEP, step + 1);
}

/**
 * The failed step of the barrier just passed, or -1. Only the last thread to arrive writes it, so all threads
 * read the same.
 */
export function failedStep(): i32 {
  return ASC_FEATURE_THREADS ? atomic.load<i32>(FAILED_STEP) - 1 : -1;
}

/** Waits until all threads are here. Traps if one of them has ended. */
export function barrier(threads: i32): void {
  if (ASC_FEATURE_THREADS) {
    const passed = atomic.load<i32>(PASSED);
    if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {
      atomic.store<i32>(ARRIVED, 0);
      atomic.store<i32>(FAILED_STEP, atomic.load<i32>(REPORTED_STEP));
      atomic.store<i32>(REPORTED_STEP, 0);
      atomic.add<i32>(PASSED, 1);
      atomic.notify(PASSED, -1);
      return;
    }
    for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(PASSED) != passed) return;
    let sleeps: i32 = 0;
    while (atomic.load<i32>(PASSED) == passed) {
      if (atomic.load<i32>(BROKEN) != 0 || ++sleeps > MAX_SLEEPS) unreachable();
      atomic.wait<i32>(PASSED, passed, SLEEP_NS);
    }
  }
}
