import { expect, it } from 'vitest';
import type { BlockCost } from '../models/blocks/block-costs.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { must } from '../protocol/must.ts';
import { blocksSpec, partsSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { predictBlocks } from './blocks-cost.ts';

const roomFor = ({ versionBytes, frozenBytes }: Pick<BlockCost, 'versionBytes' | 'frozenBytes'>) =>
  2 * versionBytes + frozenBytes;

it('says what each block takes, and how many this device has storage for', () => {
  const { blocks } = blocksSpec;
  if (blocks === undefined) throw new Error('The sample has no blocks.');
  const given = { blocks, config: NANO_CONFIG, roomFor };
  const all = predictBlocks({ ...given, quotaBytes: 1e9 });
  expect(all.blocks.map(({ id }) => id)).toEqual(['embedding', 'layers.0-0', 'layers.1-1']);
  expect(all.most).toBe(3);
  const [embedding, layer] = [must(all.blocks, 0), must(all.blocks, 1)];
  expect(layer.disk).toBeGreaterThan(embedding.disk);
  expect(layer.memory).toBeGreaterThan(layer.disk / 2);
  expect(predictBlocks({ ...given, quotaBytes: embedding.disk + layer.disk }).most).toBe(2);
  expect(predictBlocks({ ...given, quotaBytes: 0 }).most).toBe(0);
});

it('counts frozen weights once, and versions of adapters alone', () => {
  const { blocks } = blocksSpec;
  if (blocks === undefined) throw new Error('The sample has no blocks.');
  const given = { blocks, config: NANO_CONFIG, roomFor, quotaBytes: 1e9 };
  const whole = predictBlocks(given);
  const beside = predictBlocks({ ...given, lora: { rank: 2, alpha: 4, targets: ['q_proj'] } });
  const embedding = (cost: typeof whole) => must(cost.blocks, 0);
  const { vocabulary, hiddenSize } = NANO_CONFIG;
  const frozen = 2 * vocabulary * hiddenSize + 4 * hiddenSize;
  expect(embedding(beside).disk - frozen).toBeLessThan(2 * 8192);
  expect(embedding(beside).disk).toBeGreaterThan(frozen);
  for (const [at, { disk, memory }] of beside.blocks.entries()) {
    expect(disk).toBeLessThan(must(whole.blocks, at).disk);
    expect(memory).toBeLessThan(must(whole.blocks, at).memory);
  }
});

it('counts a part of the vocabulary’s table for each block that has one', () => {
  const { blocks } = partsSpec;
  if (blocks === undefined) throw new Error('The sample has no blocks.');
  const config = { ...NANO_CONFIG, vocabulary: 30_000 };
  const lora = { rank: 2, alpha: 4, targets: ['q_proj'] } as const;
  const given = { config, roomFor, quotaBytes: 1e9, lora };
  const cut = predictBlocks({ ...given, blocks });
  expect(cut.blocks.map(({ id }) => id)).toEqual([
    ...['embedding', 'layers.0-0', 'layers.1-1', 'vocabulary.1', 'vocabulary.2'],
  ]);
  const { vocabularyParts: _, ...whole } = blocks;
  const embedding = must(predictBlocks({ ...given, blocks: whole }).blocks, 0);
  for (const id of ['embedding', 'vocabulary.1', 'vocabulary.2']) {
    const part = cut.blocks.find((block) => block.id === id);
    expect((part?.disk ?? 0) / embedding.disk).toBeCloseTo(1 / 3, 1);
    expect((part?.memory ?? 0) / embedding.memory).toBeLessThan(0.45);
  }
});
