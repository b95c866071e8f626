import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWasmEngine, type WasmEngine } from '../../compute/engines/wasm/engine.ts';
import { frozenRoot } from '../../models/decoder/lora/frozen-root.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { openModel } from '../../models/loading/open-model.ts';
import { firstAdapters } from '../../training/learning-checkpoint.ts';
import { modelFormat } from '../../training/model-format.ts';
import { openTasks } from '../../training/tasks/task-source.ts';
import { MemoryCheckpointStore } from '../../training/testing/memory-checkpoint-store.ts';
import { LearningTrainer } from '../../training/trainer.ts';
import { SMALL_SETTINGS } from '../../workers/testing/small-model.ts';
import { modelInFolder } from '../home/model-folder.ts';
import { type PublishedRounds, publishRounds, type StartDevice } from '../testing/published-rounds.ts';
import { replayRecord } from './replay-record.ts';

const settings = SMALL_SETTINGS;
let home = '';
let engine: WasmEngine;
let published: PublishedRounds;

/** A device that trains adapters beside the published model. */
const startAdapters: StartDevice = async (device, { modelPath }) => {
  const { config, weights, tokenizer, generation } = await openModel(folderSource(modelPath));
  const base = await frozenRoot(config, weights);
  const lora = { rank: 2, alpha: 4, targets: ['q_proj' as const] };
  return LearningTrainer.start({
    engine,
    format: modelFormat({ tokenizer, endTokens: generation.endTokens, settings }),
    tasks: await openTasks(settings.tasks, new Map()),
    base: { weights, root: base },
    store: new MemoryCheckpointStore(),
    first: async () => firstAdapters({ config, lora, base, device, settings }),
  });
};

beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  home = await mkdtemp(join(tmpdir(), 'starling-replay-adapters-'));
  published = await publishRounds(home, 2, { startDevice: startAdapters });
});
afterAll(async () => {
  await engine.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('rounds of adapters are replayed to the bit beside their base, and not without it', async () => {
  const { archive, modelPath, records } = published;
  const options = { archive, engine, model: modelInFolder(modelPath) };
  for (const record of records.flat()) {
    const verdict = await replayRecord({ ...options, record, source: folderSource(modelPath) });
    expect(verdict).toMatchObject({ kind: 'same', round: record.round, root: record.checkpointRoot });
  }
  const [record] = records.flat();
  if (record === undefined) throw new Error('Nothing was published.');
  expect(await replayRecord({ ...options, record })).toMatchObject({
    kind: 'impossible',
    cause: expect.stringMatching(/trained beside a model with root 0x[0-9a-f]{64}: give that model/),
  });
});
