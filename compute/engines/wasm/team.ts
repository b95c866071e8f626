/**
 * The threads that run a list of steps together. Where the caller may block (Node, a browser Worker) it is thread 0
 * itself; on a page's main thread all threads are workers and the caller is told when they are done.
 */
import { EngineError } from '../engine.ts';

/** What the wasm module exports; see assembly/index.ts and assembly/team.ts. */
export interface Kernels {
  steps(offsets: number, from: number, to: number, thread: number, threads: number): number;
}

// Control words of assembly/team.ts, as indices of 32-bit words.
const ORDER = 128 / 4;
const OFFSETS = 132 / 4;
const FROM = 136 / 4;
const TO = 140 / 4;
const BROKEN = 148 / 4;
const DONE = 192 / 4;
const RESULT = 196 / 4;

const READY_TIMEOUT_MS = 10_000;

interface Member {
  post(message: unknown): void;
  /** Resolves at the member's first message. */
  readonly ready: Promise<void>;
  end(): void;
}

export interface Team {
  /** Runs steps from .. to - 1. Gives -1, or the index of a step that met an index out of range. */
  run(offsets: number, from: number, to: number): number | Promise<number>;
  /** The same by the caller alone, where it may compute; else by all. For steps that are shorter than meeting. */
  runAlone(offsets: number, from: number, to: number): number | Promise<number>;
  stop(): void;
}

/** A team of one. */
export function soloTeam(kernels: Kernels): Team {
  const run: Team['run'] = (offsets, from, to) => kernels.steps(offsets, from, to, 0, 1);
  return { run, runAlone: run, stop: () => undefined };
}

/** Starts `threads` (>= 2) over one shared memory. Throws EngineError when workers do not start within 10 s. */
export async function startTeam(
  kernels: Kernels,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  threads: number,
): Promise<Team> {
  // Memory only grows, and the control words lie in its first page: this view stays good.
  const control = new Int32Array(memory.buffer, 0, 256);
  const joins = mayBlock();
  const members = Array.from({ length: joins ? threads - 1 : threads }, (_, i) => {
    const member = startMember();
    member.post({ module, memory, thread: joins ? i + 1 : i, threads, order: 0 });
    return member;
  });
  const stop = (): void => {
    control[FROM] = -1;
    Atomics.add(control, ORDER, 1);
    Atomics.notify(control, ORDER);
    for (const member of members) member.end();
  };
  try {
    await allReady(members);
  } catch (error) {
    stop();
    throw error;
  }
  const run: Team['run'] = (offsets, from, to) => {
    if (Atomics.load(control, BROKEN) !== 0) throw stopped();
    control[OFFSETS] = offsets;
    control[FROM] = from;
    control[TO] = to;
    const finished = Atomics.load(control, DONE);
    Atomics.add(control, ORDER, 1);
    Atomics.notify(control, ORDER);
    if (!joins) return whenDone(control, finished);
    try {
      return kernels.steps(offsets, from, to, 0, threads);
    } catch (cause) {
      Atomics.store(control, BROKEN, 1);
      throw stopped(cause);
    }
  };
  const runAlone: Team['run'] = joins ? (offsets, from, to) => kernels.steps(offsets, from, to, 0, 1) : run;
  return { run, runAlone, stop };
}

/** After a trap the members no longer agree on where they are, so the team is of no further use. */
function stopped(cause?: unknown): EngineError {
  return new EngineError('A compute worker stopped; start the engine again.', { cause });
}

async function allReady(members: readonly Member[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EngineError('Compute workers did not start.')), READY_TIMEOUT_MS);
  });
  try {
    await Promise.race([Promise.all(members.map((member) => member.ready)), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits, without blocking, until DONE has moved on from `finished`. */
async function whenDone(control: Int32Array, finished: number): Promise<number> {
  while (Atomics.load(control, DONE) === finished) {
    if (Atomics.load(control, BROKEN) !== 0) throw stopped();
    await changeOf(control as Int32Array<SharedArrayBuffer>, finished);
  }
  return Atomics.load(control, RESULT);
}

/** A change of DONE, or 100 ms; where Atomics.waitAsync is missing, 1 ms. */
async function changeOf(control: Int32Array<SharedArrayBuffer>, finished: number): Promise<void> {
  if (typeof Atomics.waitAsync === 'function') {
    const wait = Atomics.waitAsync(control, DONE, finished, 100);
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

function startMember(): Member {
  const node = nodeWorkerThreads();
  if (node !== undefined) {
    const worker = new node.Worker(new URL('./pool-worker.js', import.meta.url));
    worker.unref();
    const ready = new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
    return { post: (message) => worker.postMessage(message), ready, end: () => void worker.terminate() };
  }
  const worker = new Worker(new URL('./pool-worker.js', import.meta.url), { type: 'module' });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new EngineError(`A compute worker failed: ${event.message}`));
  });
  return { post: (message) => worker.postMessage(message), ready, end: () => worker.terminate() };
}

/** node:worker_threads in Node; undefined in browsers and in Deno, which have Worker themselves. */
function nodeWorkerThreads(): typeof import('node:worker_threads') | undefined {
  if ('Deno' in globalThis || typeof process === 'undefined') return undefined;
  return process.getBuiltinModule?.('node:worker_threads');
}
