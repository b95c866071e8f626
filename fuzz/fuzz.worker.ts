/** The thread in which one target is tried. It loads the target after the hooks that count branches. */
import { parentPort, workerData } from 'node:worker_threads';
import { startCoverage } from './branches/counters.ts';
import { cpuSeconds } from './cpu-seconds.ts';
import { Draws } from './draws.ts';
import { findTarget } from './registry.ts';
import { search } from './search.ts';
import { HEADER_WORDS, type ThreadData, type ThreadResult } from './thread-messages.ts';

const data = workerData as { readonly data: ThreadData };
const result = await run(data.data);
parentPort?.postMessage(result);

async function run(given: ThreadData): Promise<ThreadResult> {
  const coverage = given.guided ? startCoverage() : undefined;
  const { mutator, maxBytes, open } = await findTarget(given.target);
  const target = await open();
  const words = new Int32Array(given.current, 0, HEADER_WORDS);
  const bytes = new Uint8Array(given.current, 4 * HEADER_WORDS);
  const began = cpuSeconds();
  let last = began;
  let at = new Uint8Array();
  let slowest = { ms: 0, input: at };
  const settle = (now: number): void => {
    if (1000 * (now - last) > slowest.ms && at.length > 0) slowest = { ms: 1000 * (now - last), input: at };
    last = now;
  };
  try {
    const found = await search({
      ...{ target, mutator, maxBytes, coverage },
      inputs: given.inputs,
      draws: new Draws(`${given.target} ${given.seed}`),
      corpus: given.corpus,
      onInput(input) {
        settle(cpuSeconds());
        at = new Uint8Array(input);
        const kept = Math.min(input.length, bytes.length);
        bytes.set(input.subarray(0, kept));
        words[1] = kept;
        Atomics.add(words, 0, 1);
      },
      isOver: () => last - began > given.seconds,
    });
    settle(cpuSeconds());
    return {
      ...found,
      branches: coverage?.reached() ?? 0,
      slowestMs: slowest.ms,
      slowest: slowest.input,
      seconds: cpuSeconds() - began,
    };
  } finally {
    await target.close?.();
  }
}
