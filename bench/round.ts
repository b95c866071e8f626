/**
 * A volunteer's round alone: answers to the tasks, training on them, the held-out questions, and of that the
 * Merkle roots of the checkpoint.
 */

import { readFile } from 'node:fs/promises';
import type { WasmEngine } from '../compute/engines/wasm/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { RoundContext } from '../protocol/trainer.ts';
import { firstCheckpoint } from '../training/learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from '../training/learning-settings.ts';
import { MODEL_FILES, type ModelFiles, readModel } from '../training/nano-files.ts';
import { shortFormat } from '../training/short-format.ts';
import { openTasks } from '../training/tasks/task-source.ts';
import { LearningTrainer } from '../training/trainer.ts';
import { type Benchmark, compared } from './benchmark.ts';

const MODEL = new URL('../public/models/nano/', import.meta.url);
const DEVICE: DeviceAddress = `0x${'be'.repeat(20)}`;
const ROUNDS = 5;

export const round: Benchmark = {
  name: 'round',
  async *run({ signal }) {
    for (const threads of [1, 2]) {
      const engine = await createWasmEngine({ threads });
      try {
        const { roundMs, hashMs } = await bestRound(engine, signal);
        yield compared(`round/wasm-${threads}/nano`, 'ms', roundMs);
        yield compared(`round/wasm-${threads}/nano/hash`, 'ms', hashMs, {
          name: 'the whole round',
          value: roundMs,
        });
      } finally {
        await engine.stop();
      }
    }
  },
};

/** The fastest of several rounds, and the fastest hashing among them. */
async function bestRound(
  engine: WasmEngine,
  signal: AbortSignal,
): Promise<{ readonly roundMs: number; readonly hashMs: number }> {
  const { config, parameters, tokenizer } = readModel(await nanoFiles());
  let hashed = 0;
  const hash = engine.hash.bind(engine);
  engine.hash = async (tensors, options) => {
    const start = performance.now();
    const roots = await hash(tensors, options);
    hashed += performance.now() - start;
    return roots;
  };
  let kept: Uint8Array | undefined;
  const trainer = await LearningTrainer.start({
    engine,
    format: shortFormat(tokenizer),
    tasks: await openTasks(DEFAULT_SETTINGS.tasks, new Map()),
    store: {
      load: async () => kept,
      save: async (file) => {
        kept = file;
      },
    },
    first: async () => firstCheckpoint({ config, parameters, device: DEVICE, settings: DEFAULT_SETTINGS }),
  });
  try {
    let [roundMs, hashMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let number = 0; number < ROUNDS; number++) {
      signal.throwIfAborted();
      const context: RoundContext = { round: number, seed: `0x${'5a'.repeat(32)}`, device: DEVICE };
      hashed = 0;
      const start = performance.now();
      const set = await trainer.answer(context, signal);
      await trainer.train(context, { author: DEVICE, cid: `round ${number}`, set }, [], signal);
      roundMs = Math.min(roundMs, performance.now() - start);
      hashMs = Math.min(hashMs, hashed);
    }
    return { roundMs, hashMs };
  } finally {
    await trainer.stop();
  }
}

async function nanoFiles(): Promise<ModelFiles> {
  const files = await Promise.all(
    MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, MODEL)))] as const),
  );
  return Object.fromEntries(files) as ModelFiles;
}
