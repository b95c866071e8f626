// Where the threads of a team meet after each step: control words in the first page of the shared memory.

// Control words (byte addresses).
const ARRIVED: usize = 64; // threads waiting at the barrier
const ROUND: usize = 68; // barriers passed
const REPORTED: usize = 72; // 1 + index of a failed step, before the barrier
const VERDICT: usize = 76; // the same, as the barrier's last arriver saw it
const BROKEN: usize = 148; // a member has died: nobody may wait any longer; pool-worker.js writes it

// Some 20 µs: a step is often shorter than waking a thread that sleeps (docs/decisions/wasm-kernels.md).
export const SPINS: i32 = 20000;
const PATIENCE: i64 = 100_000_000; // 0.1 s in ns, then BROKEN is looked at again
const MOST_WAITS: i32 = 1200; // two minutes at one barrier: the browser has taken a member away

export function report(step: i32): void {
  if (ASC_FEATURE_THREADS) atomic.store<i32>(REPORTED, step + 1);
}

/** The failed step of the barrier just passed, or -1. Only the last arriver writes it, so all threads read the same. */
export function failure(): i32 {
  return ASC_FEATURE_THREADS ? atomic.load<i32>(VERDICT) - 1 : -1;
}

/** Waits until all threads of the team are here. Traps when a member has died. */
export function barrier(threads: i32): void {
  if (ASC_FEATURE_THREADS) {
    const round = atomic.load<i32>(ROUND);
    if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {
      atomic.store<i32>(ARRIVED, 0);
      atomic.store<i32>(VERDICT, atomic.load<i32>(REPORTED));
      atomic.store<i32>(REPORTED, 0);
      atomic.add<i32>(ROUND, 1);
      atomic.notify(ROUND, -1);
      return;
    }
    for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(ROUND) != round) return;
    let waits: i32 = 0;
    while (atomic.load<i32>(ROUND) == round) {
      if (atomic.load<i32>(BROKEN) != 0 || ++waits > MOST_WAITS) unreachable();
      atomic.wait<i32>(ROUND, round, PATIENCE);
    }
  }
}
