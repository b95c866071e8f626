/**
 * The threads that run a list of steps. Where the caller may block (Node, a browser Worker) it is thread 0
 * itself. On a page's main thread all threads are workers, and the caller awaits them.
 */
import { EngineError } from '../engine.ts';

/** What the wasm module exports to the caller (assembly/index.ts). */
export interface Kernels {
  steps(offsets: number, from: number, to: number, thread: number, threads: number): number;
}

// Control words as in assembly/control.ts, as indices of 32-bit words. LIST there is the three words OFFSETS,
// FROM and TO.
const LISTS = 128 / 4;
const OFFSETS = 132 / 4;
const FROM = 136 / 4;
const TO = 140 / 4;
const BROKEN = 148 / 4;
const FINISHED = 192 / 4;
const RESULT = 196 / 4;

const READY_TIMEOUT_MS = 10_000;

interface PoolWorker {
  post(message: unknown): void;
  /** Resolves at the worker's first message. */
  readonly ready: Promise<void>;
  terminate(): void;
}

export interface ThreadPool {
  /**
   * Runs steps from .. to - 1 on all threads; `offsets` is the address of the steps' addresses. Gives -1, or
   * the index of a step that met an index out of range. Throws EngineError once a thread has ended.
   */
  run(offsets: number, from: number, to: number): number | Promise<number>;
  /**
   * As `run`, on the caller's thread alone if that is one of the pool's. For steps shorter than a barrier.
   */
  runOnCaller(offsets: number, from: number, to: number): number | Promise<number>;
  stop(): void;
}

/** A pool of the caller's thread alone. */
export function callerOnly(kernels: Kernels): ThreadPool {
  const run: ThreadPool['run'] = (offsets, from, to) => kernels.steps(offsets, from, to, 0, 1);
  return { run, runOnCaller: run, stop: () => undefined };
}

/**
 * Starts a pool of `threads` (at least 2) over one shared memory. Throws EngineError if workers do not start
 * in 10 s.
 */
export async function startThreadPool(
  kernels: Kernels,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  threads: number,
): Promise<ThreadPool> {
  // Memory only grows, and the control words are in its first page: this view stays valid.
  const control = new Int32Array(memory.buffer, 0, 256);
  const callerComputes = mayBlock();
  const workers = Array.from({ length: callerComputes ? threads - 1 : threads }, (_, i) => {
    const worker = startWorker();
    worker.post({ module, memory, thread: callerComputes ? i + 1 : i, threads, seen: 0 });
    return worker;
  });
  const stop = (): void => {
    control[FROM] = -1;
    Atomics.add(control, LISTS, 1);
    Atomics.notify(control, LISTS);
    for (const worker of workers) worker.terminate();
  };
  try {
    await allReady(workers);
  } catch (error) {
    stop();
    throw error;
  }
  const run: ThreadPool['run'] = (offsets, from, to) => {
    if (Atomics.load(control, BROKEN) !== 0) throw broken();
    control[OFFSETS] = offsets;
    control[FROM] = from;
    control[TO] = to;
    const finished = Atomics.load(control, FINISHED);
    Atomics.add(control, LISTS, 1);
    Atomics.notify(control, LISTS);
    if (!callerComputes) return whenFinished(control, finished);
    try {
      return kernels.steps(offsets, from, to, 0, threads);
    } catch (cause) {
      Atomics.store(control, BROKEN, 1);
      throw broken(cause);
    }
  };
  const runOnCaller = callerComputes ? callerOnly(kernels).run : run;
  return { run, runOnCaller, stop };
}

/** After a trap the threads no longer agree on which step they are at, so the pool cannot be used again. */
function broken(cause?: unknown): EngineError {
  return new EngineError('A compute worker stopped; start the engine again.', { cause });
}

async function allReady(workers: readonly PoolWorker[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EngineError('Compute workers did not start.')), READY_TIMEOUT_MS);
  });
  try {
    await Promise.race([Promise.all(workers.map(({ ready }) => ready)), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits, without blocking, until more than `finished` lists are finished. Gives the result of the last one.
 */
async function whenFinished(control: Int32Array, finished: number): Promise<number> {
  while (Atomics.load(control, FINISHED) === finished) {
    if (Atomics.load(control, BROKEN) !== 0) throw broken();
    await changeOf(control as Int32Array<SharedArrayBuffer>, finished);
  }
  return Atomics.load(control, RESULT);
}

/**
 * Resolves when FINISHED changes, at the latest after 100 ms; after 1 ms where Atomics.waitAsync is missing.
 */
async function changeOf(control: Int32Array<SharedArrayBuffer>, finished: number): Promise<void> {
  if (typeof Atomics.waitAsync === 'function') {
    const wait = Atomics.waitAsync(control, FINISHED, finished, 100);
    if (wait.async) await wait.value;
    return;
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Whether this thread may call Atomics.wait; a page's main thread may not. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

function startWorker(): PoolWorker {
  const node = nodeWorkerThreads();
  if (node !== undefined) {
    const worker = new node.Worker(new URL('./pool-worker.js', import.meta.url));
    worker.unref();
    const ready = new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
    return {
      post: (message) => worker.postMessage(message),
      ready,
      terminate: () => void worker.terminate(),
    };
  }
  const worker = new Worker(new URL('./pool-worker.js', import.meta.url), { type: 'module' });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new EngineError(`A compute worker failed: ${event.message}`));
  });
  return { post: (message) => worker.postMessage(message), ready, terminate: () => worker.terminate() };
}

/** node:worker_threads in Node; undefined in browsers and in Deno, which have Worker themselves. */
function nodeWorkerThreads(): typeof import('node:worker_threads') | undefined {
  if ('Deno' in globalThis || typeof process === 'undefined') return undefined;
  return process.getBuiltinModule?.('node:worker_threads');
}
