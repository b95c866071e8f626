import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWasmEngine, type WasmEngine } from '../../compute/engines/wasm/engine.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { SMALL_SETTINGS } from '../../workers/testing/small-model.ts';
import { DEFAULT_MODEL } from '../home/model-folder.ts';
import { type PublishedRounds, publishRounds } from '../testing/published-rounds.ts';
import { replayRecord } from './replay-record.ts';

let home = '';
let engine: WasmEngine;
let published: PublishedRounds;

beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  home = await mkdtemp(join(tmpdir(), 'starling-replay-adapters-'));
  const trained = { kind: 'adapters', rank: 2, alpha: 4, targets: ['q_proj'] } as const;
  published = await publishRounds(home, 2, { settings: SMALL_SETTINGS, swarm: { ...smallSpec, trained } });
});
afterAll(async () => {
  await engine.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('rounds of adapters are replayed to the bit beside their base, and not beside another model', async () => {
  const { archive, modelPath, records } = published;
  const options = { archive, engine, model: folderSource(modelPath) };
  for (const record of records.flat()) {
    const verdict = await replayRecord({ ...options, record });
    expect(verdict).toMatchObject({ kind: 'same', round: record.round, root: record.checkpointRoot });
  }
  const [record] = records.flat();
  if (record === undefined) throw new Error('Nothing was published.');
  expect(await replayRecord({ ...options, record, model: folderSource(DEFAULT_MODEL) })).toMatchObject({
    kind: 'impossible',
    cause: expect.stringMatching(/trained beside a model with root 0x[0-9a-f]{64}: give that model/),
  });
});
