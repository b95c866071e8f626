import { describe, expect, it } from 'vitest';
import { type DecoderConfig, NANO_CONFIG, parameterSpecs } from '../decoder/config.ts';
import {
  BlockPlanError,
  blockBytes,
  blockOf,
  blockPlan,
  checkedPaths,
  evenLayers,
  headBlock,
} from './block-plan.ts';
import { blockStep } from './block-step.ts';

const config: DecoderConfig = { ...NANO_CONFIG, layers: 5, tiedEmbedding: false };
const tied: DecoderConfig = { ...config, tiedEmbedding: true };

describe('blockPlan', () => {
  it.each([
    ['untied', config],
    ['tied', tied],
  ])('[B-1] holds each parameter once: %s', (_, of) => {
    for (const layers of [[5], [2, 3], [1, 1, 1, 1, 1]]) {
      const { blocks } = blockPlan({ config: of, layers });
      const names = blocks.flatMap(({ parameters }) => parameters);
      expect([...names].sort()).toEqual(
        parameterSpecs(of)
          .map(({ name }) => name)
          .sort(),
      );
    }
  });

  it('[B-1] keeps embedding, and final norm with head, in blocks of their own', () => {
    const { blocks } = blockPlan({ config, layers: [2, 3] });
    expect(blocks.map(({ id, kind, skippable }) => [id, kind, skippable])).toEqual([
      ['embedding', 'embedding', false],
      ['layers.0-1', 'layers', true],
      ['layers.2-4', 'layers', true],
      ['head', 'head', false],
    ]);
    expect(blocks[0]?.parameters).toEqual(['model.embed_tokens.weight']);
    expect(blocks[3]?.parameters).toEqual(['model.norm.weight', 'lm_head.weight']);
  });

  it('[B-1] keeps a tied table in one block with the final norm', () => {
    const plan = blockPlan({ config: tied, layers: [5] });
    expect(plan.blocks.map(({ id }) => id)).toEqual(['embedding', 'layers.0-4']);
    expect(headBlock(plan).parameters).toEqual(['model.embed_tokens.weight', 'model.norm.weight']);
  });

  it.each<[string, Parameters<typeof blockPlan>[0], RegExp]>([
    ['too few layers', { config, layers: [2, 2] }, /4 layers and the model 5/],
    ['too many layers', { config, layers: [2, 4] }, /6 layers and the model 5/],
    ['an empty block', { config, layers: [5, 0] }, /at least one whole layer/],
    ['half a layer', { config, layers: [2.5, 2.5] }, /at least one whole layer/],
    ['no blocks', { config, layers: [] }, /1 to 15 blocks/],
    ['too many blocks', { config: { ...config, layers: 16 }, layers: evenLayers(16, 16) }, /1 to 15 blocks/],
    ['a stage that is none', { config, layers: [5], required: [2] }, /no stage 2/],
    ['nothing to train', { config, layers: [5], weights: { frozen: true } }, /nothing to train/],
  ])('[B-2] refuses %s', (_, options, message) => {
    expect(() => blockPlan(options)).toThrow(BlockPlanError);
    expect(() => blockPlan(options)).toThrow(message);
  });

  it('cuts layers evenly', () => {
    expect(evenLayers(24, 8)).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
    expect(evenLayers(5, 3)).toEqual([2, 2, 1]);
    expect(() => evenLayers(2, 3)).toThrow(BlockPlanError);
    expect(() => evenLayers(2, 0)).toThrow(BlockPlanError);
  });

  it('counts a block’s bytes with both moments', () => {
    const plan = blockPlan({ config: NANO_CONFIG, layers: [1, 1] });
    const parameters = plan.blocks.reduce((bytes, block) => bytes + blockBytes(plan, block), 0) / 12;
    expect(parameters).toBe(95_296);
    expect(() => blockOf(plan, 'layers.7')).toThrow(/no block layers.7: there are embedding, layers.0-0/);
  });
});

describe('paths', () => {
  const plan = blockPlan({ config, layers: [2, 2, 1], required: [1] });

  it('[B-3] may leave out and swap stages', () => {
    const paths = [[1, 2, 3], [1, 3], [2, 1], [1]];
    expect(checkedPaths(plan, 4, paths)).toEqual(paths);
    expect(checkedPaths(plan, 2, 'full')).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it.each<[string, readonly (readonly number[])[], RegExp]>([
    [
      'a required stage left out',
      [[1], [2, 3]],
      /microbatch 1 leaves out layers.0-1, which may not be skipped/,
    ],
    ['a stage twice', [[1, 2, 1], [1]], /microbatch 0 visits a stage twice/],
    ['the embedding’s stage', [[1, 0], [1]], /visits stage 0: name stages 1 to 3/],
    ['a stage beyond the last', [[1, 4], [1]], /visits stage 4/],
    ['half a stage', [[1, 1.5], [1]], /visits stage 1.5/],
    ['no layers', [[], [1]], /visits no layers/],
    ['too few paths', [[1]], /2 microbatches need a path each; there are 1/],
  ])('[B-3] refuses %s', (_, paths, message) => {
    const microbatches = { count: 2, batch: 1, length: 8 };
    expect(() => blockStep({ plan, microbatches, paths })).toThrow(BlockPlanError);
    expect(() => blockStep({ plan, microbatches, paths })).toThrow(message);
  });

  it.each([
    { count: 0, batch: 1, length: 8 },
    { count: 4097, batch: 1, length: 8 },
    { count: 1, batch: 0, length: 8 },
    { count: 1, batch: 1.5, length: 8 },
    { count: 1, batch: 1, length: 65 },
    { count: 1, batch: 1, length: 0 },
  ])('[B-3] refuses microbatches of $count x $batch x $length', (microbatches) => {
    expect(() => blockStep({ plan, microbatches, paths: 'full' })).toThrow(BlockPlanError);
  });
});
