// Control words in the first page of the shared memory, as byte addresses. thread-pool.ts and pool-worker.js
// beside this folder know the addresses from LISTS on.

/** Threads that wait at the barrier. */
export const ARRIVED: usize = 64;
/** Barriers passed. */
export const PASSED: usize = 68;
/** 1 + the index of a step that failed, before the barrier; 0 for none. */
export const REPORTED_STEP: usize = 72;
/** The same, as the last thread to arrive at the barrier saw it. */
export const FAILED_STEP: usize = 76;
/** Lists of steps handed out so far. The pool's threads wait for it to grow. */
export const LISTS: usize = 128;
/**
 * The list handed out last: address of the steps' addresses, first step, end. A first step of -1 ends the
 * threads.
 */
export const LIST: usize = 132;
/** 1 once a thread has ended unexpectedly: no thread may wait any longer. */
export const BROKEN: usize = 148;
/** Lists finished, counted by thread 0 where it is a thread of the pool and the caller must not block. */
export const FINISHED: usize = 192;
/** What `runSteps` of the list finished last gave to thread 0. */
export const RESULT: usize = 196;
