import { expect, it } from 'vitest';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { must } from '../protocol/must.ts';
import { blocksSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { predictBlocks } from './blocks-cost.ts';

it('says what each block takes, and how many this device has storage for', () => {
  const { blocks } = blocksSpec;
  if (blocks === undefined) throw new Error('The sample has no blocks.');
  const given = { blocks, config: NANO_CONFIG, roomFor: (bytes: number) => 2 * bytes };
  const all = predictBlocks({ ...given, quotaBytes: 1e9 });
  expect(all.blocks.map(({ id }) => id)).toEqual(['embedding', 'layers.0-0', 'layers.1-1']);
  expect(all.most).toBe(3);
  const [embedding, layer] = [must(all.blocks, 0), must(all.blocks, 1)];
  expect(layer.disk).toBeGreaterThan(embedding.disk);
  expect(layer.memory).toBeGreaterThan(layer.disk / 2);
  expect(predictBlocks({ ...given, quotaBytes: embedding.disk + layer.disk }).most).toBe(2);
  expect(predictBlocks({ ...given, quotaBytes: 0 }).most).toBe(0);
});
