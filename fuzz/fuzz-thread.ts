import { Worker } from 'node:worker_threads';
import { cpuSeconds } from './cpu-seconds.ts';
import type { FuzzTarget } from './target.ts';
import { HEADER_WORDS, type ThreadData, type ThreadResult } from './thread-messages.ts';

/** The thread starts with the loader of TypeScript, which threads do not inherit. */
const PROGRAM = `
  const { workerData } = require('node:worker_threads');
  import('tsx/esm/api').then(({ register }) => { register(); return import(workerData.program); });
`;
/** MiB that a target may take for its objects. Beyond it the thread dies, and the input is a fault. */
const MEMORY_MIB = 1024;
/** Milliseconds between two looks at a thread. */
const LOOK_MS = 1000;
/** Seconds of CPU for one input after which a thread hangs. Other programs do not count. */
const HANG_SECONDS = 30;

export type ThreadOptions = Omit<ThreadData, 'current'> & {
  readonly signal: AbortSignal;
};

/**
 * Tries a target in a thread of its own. A thread that hangs on an input, dies or runs out of memory gives
 * that input as a fault. Rejects when the signal aborts, or the target cannot be opened.
 */
export async function fuzzInThread(target: FuzzTarget, options: ThreadOptions): Promise<ThreadResult> {
  const { signal, ...rest } = options;
  const current = new SharedArrayBuffer(4 * HEADER_WORDS + target.maxBytes);
  const words = new Int32Array(current, 0, HEADER_WORDS);
  const began = cpuSeconds();
  const worker = new Worker(PROGRAM, {
    eval: true,
    workerData: { program: new URL('./fuzz.worker.ts', import.meta.url).href, data: { ...rest, current } },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB, stackSizeMb: 4 },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ThreadResult>((resolve, reject) => {
      const died = (key: string, sentence: string): void => {
        const inputs = Atomics.load(words, 0);
        if (inputs === 0) {
          reject(new Error(`${target.name} could not be opened: ${sentence}`));
          return;
        }
        const input = new Uint8Array(new Uint8Array(current, 4 * HEADER_WORDS, words[1]));
        const faults = [{ key, sentence, input }];
        const seconds = cpuSeconds() - began;
        const none = { accepted: 0, found: [], reasons: 0, branches: 0 };
        resolve({ ...none, inputs, faults, seconds, slowestMs: 0, slowest: input });
      };
      let [last, since] = [0, 0];
      timer = setInterval(() => {
        const inputs = Atomics.load(words, 0);
        if (inputs === 0 || inputs !== last) since = cpuSeconds();
        last = inputs;
        if (cpuSeconds() - since > HANG_SECONDS)
          died('hang', `One input takes more than ${HANG_SECONDS} seconds.`);
      }, LOOK_MS);
      worker.once('message', resolve);
      worker.once('error', (error) => died(`crash ${error.name}`, `${error.name}: ${error.message}`));
      worker.once('exit', (code) => died('exit', `The thread ended with code ${code}.`));
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  } finally {
    clearInterval(timer);
    await worker.terminate();
  }
}
