import { describe, expect, it } from 'vitest';
import { blockRefusals, layerBlockCount, MOST_LAYER_BLOCKS, unfitBlocks } from './swarm-blocks.ts';
import { refusalsOf } from './swarm-refusals.ts';
import type { BlockSettings, SwarmSpec } from './swarm-spec.ts';
import { decodeSwarmSpec, encodeSwarmSpec } from './swarm-spec-codec.ts';
import { blocksSpec, fullSpec, smallSpec } from './testing/sample-swarm-specs.ts';

const qwen = { layers: 24, context: 32_768 };
const spec = (change: Partial<BlockSettings>): SwarmSpec => {
  const { blocks } = blocksSpec;
  if (blocks === undefined) throw new Error('The sample is in blocks.');
  return { ...blocksSpec, blocks: { ...blocks, ...change } };
};
const fields = (change: Partial<BlockSettings>, model = qwen) =>
  unfitBlocks(spec(change), model).map(({ field }) => field);

describe('layerBlockCount', () => {
  it('[S-12] is as few blocks as the layers need', () => {
    const of = (layers: number, layersPerBlock: number) => {
      const { blocks } = spec({ layersPerBlock });
      return blocks === undefined ? 0 : layerBlockCount(layers, blocks);
    };
    expect([of(2, 1), of(24, 3), of(24, 5), of(8, 8), of(8, 9)]).toEqual([2, 8, 5, 1, 1]);
  });
});

describe('unfitBlocks', () => {
  it('[S-12] finds nothing in blocks that fit, and in a swarm without blocks', () => {
    expect(fields({ layersPerBlock: 3, skipped: 2, microbatches: 8 })).toEqual([]);
    expect(fields({ layersPerBlock: 1, skipped: 1, microbatches: 8 }, { layers: 2, context: 64 })).toEqual(
      [],
    );
    expect(unfitBlocks(smallSpec, { layers: 0, context: 0 })).toEqual([]);
  });

  it('[S-12] names what does not fit the model, with a number that would', () => {
    expect(fields({ layersPerBlock: 25, skipped: 0 })).toEqual(['blocks.layersPerBlock']);
    expect(fields({ layersPerBlock: 1, skipped: 0 })).toEqual(['blocks.layersPerBlock']);
    expect(fields({ layersPerBlock: 12, skipped: 2 })).toEqual(['blocks.skipped']);
    expect(fields({ layersPerBlock: 8, skipped: 1, microbatches: 8 })).toEqual(['blocks.microbatches']);
    expect(
      fields({ layersPerBlock: 12, skipped: 1, rows: 1, length: 4096 }, { ...qwen, context: 2048 }),
    ).toEqual(['blocks.length']);
    const [most] = unfitBlocks(spec({ layersPerBlock: 1, skipped: 0 }), qwen);
    expect(most?.sentence).toBe(
      'The swarm’s blocks do not fit its model: 24 layers make 24 blocks, and at most 15 work. ' +
        'Open one with at least 2 layers a block.',
    );
    expect(fields({ layersPerBlock: 2, skipped: 0 })).toEqual([]);
    const [share] = unfitBlocks(spec({ layersPerBlock: 6, skipped: 1, microbatches: 6 }), qwen);
    expect(share?.sentence).toContain('Open one with a multiple of 4.');
    expect(MOST_LAYER_BLOCKS).toBe(15);
  });
});

describe('blockRefusals', () => {
  const adapters: SwarmSpec = { ...blocksSpec, trained: fullSpec.trained };

  it('[S-12] refuses blocks where the program trains whole models alone', () => {
    expect(blockRefusals(smallSpec, undefined)).toEqual([]);
    expect(blockRefusals(blocksSpec, undefined)).toMatchObject([{ kind: 'unknown-blocks', field: 'blocks' }]);
    expect(blockRefusals(blocksSpec, { adapters: [] })).toEqual([]);
  });

  it('[S-12] refuses adapters that the program cannot serve in blocks, and names them', () => {
    expect(blockRefusals(adapters, { adapters: ['q_proj', 'v_proj'] })).toEqual([]);
    const [refusal] = blockRefusals(adapters, { adapters: ['q_proj'] });
    expect(refusal).toMatchObject({ kind: 'unfit-blocks', field: 'trained.targets' });
    expect(refusal?.sentence).toContain('adapters of v_proj in blocks');
  });

  it('[S-06] [S-12] does not ask for the whole model of a member that holds a share', () => {
    const large: SwarmSpec = { ...fullSpec, models: 'one', blocks: blocksSpec.blocks };
    const device = {
      generators: [
        { id: 'chain-sum', version: 1, difficulties: 4 },
        { id: 'base-conversion', version: 2, difficulties: 2 },
      ],
      builtins: [],
      modelBytes: 0,
      dataBytes: 1e6,
      blocks: { adapters: ['q_proj', 'v_proj'] },
    };
    expect(refusalsOf(large, device)).toEqual([]);
    const { blocks: _, ...whole } = large;
    expect(refusalsOf(whole, device)).toMatchObject([{ kind: 'large-model' }]);
  });
});

describe('a specification without blocks', () => {
  it('[S-01] [S-12] has no such key, however it was written', () => {
    const { bytes, cid } = encodeSwarmSpec({ ...smallSpec, blocks: undefined });
    expect(cid).toBe(encodeSwarmSpec(smallSpec).cid);
    expect(Object.keys(decodeSwarmSpec(bytes))).not.toContain('blocks');
    expect(decodeSwarmSpec(encodeSwarmSpec(blocksSpec).bytes)).toEqual(blocksSpec);
  });
});
