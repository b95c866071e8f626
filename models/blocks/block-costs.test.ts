import { describe, expect, it } from 'vitest';
import { must } from '../../protocol/must.ts';
import { type DecoderConfig, NANO_CONFIG } from '../decoder/config.ts';
import { predictTrainedMemory } from '../decoder/memory.ts';
import { type BlockCost, blockCosts } from './block-costs.ts';
import { blockPlan, evenLayers } from './block-plan.ts';
import { blockStep } from './block-step.ts';
import { blocksOf, encodeBlock } from './block-version.ts';
import { nanoStart } from './testing/nano-case.ts';

function costsOf(config: DecoderConfig, blocks: number, length: number): readonly BlockCost[] {
  const plan = blockPlan({ config, layers: evenLayers(config.layers, blocks) });
  return blockCosts(blockStep({ plan, microbatches: { count: 2, batch: 1, length }, paths: 'full' }));
}

const sum = (costs: readonly BlockCost[], of: (cost: BlockCost) => number) =>
  costs.reduce((total, cost) => total + of(cost), 0);

describe('blockCosts', () => {
  it('is never less than a version’s file has, and little more', () => {
    const config = { ...NANO_CONFIG, layers: 3, tiedEmbedding: false };
    const plan = blockPlan({ config, layers: [2, 1] });
    const costs = costsOf(config, 2, 32);
    for (const [index, version] of blocksOf(plan, nanoStart(config).state).entries()) {
      const { id, versionBytes } = must(costs, index);
      const file = encodeBlock(plan, version).length;
      expect([id, versionBytes]).toEqual([version.block, expect.any(Number)]);
      expect(versionBytes).toBeGreaterThanOrEqual(file);
      expect(versionBytes - file).toBeLessThan(4096 + 256 * version.tensors.size);
    }
  });

  it('is a share of what the whole model takes, and work grows with the rows', () => {
    const config: DecoderConfig = {
      ...NANO_CONFIG,
      hiddenSize: 320,
      layers: 8,
      heads: 5,
      kvHeads: 5,
      headDim: 64,
      feedForward: 864,
      vocabulary: 2048,
      context: 1024,
    };
    const costs = costsOf(config, 4, 256);
    const { weights, optimizer, activations } = predictTrainedMemory(config, {
      train: { batch: 1, length: 256 },
    });
    const versions = sum(costs, ({ versionBytes }) => versionBytes);
    expect(versions / (weights + optimizer)).toBeGreaterThan(0.95);
    expect(versions / (weights + optimizer)).toBeLessThan(1.02);
    for (const { heldBytes, workBytes } of costs) {
      expect(heldBytes).toBeLessThan((weights + optimizer) * 0.8);
      expect(workBytes).toBeLessThan(activations);
    }
    const longer = costsOf(config, 4, 512);
    for (const [index, { workBytes }] of costs.entries()) {
      expect(must(longer, index).workBytes).toBeGreaterThanOrEqual(workBytes);
    }
    expect(must(longer, 1).workBytes).toBeGreaterThan(must(costs, 1).workBytes * 1.2);
  });
});
