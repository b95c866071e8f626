import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { freshAdapterState } from '../decoder/lora/adapter-state.ts';
import { DEFAULT_LORA, initialAdapters } from '../decoder/lora/adapters.ts';
import { memoryWeights } from '../decoder/weights.ts';
import { blockPlan } from './block-plan.ts';
import { blocksOf } from './block-version.ts';
import { firstAdapters, firstVersion } from './first-version.ts';
import { nanoStart } from './testing/nano-case.ts';

const config = { ...NANO_CONFIG, layers: 2, tiedEmbedding: false };
const start = nanoStart(config);
const plan = blockPlan({ config, layers: [1, 1] });
const weights = memoryWeights(start.state.parameters);

describe('firstVersion', () => {
  it('[B-13] is the block of a fresh model, and asks for no other tensor', async () => {
    for (const expected of blocksOf(plan, start.state)) {
      const asked: string[] = [];
      const watched = {
        ...weights,
        float32: (name: string) => {
          asked.push(name);
          return weights.float32(name);
        },
      };
      const version = await firstVersion(plan, expected.block, watched);
      expect([version.block, version.step]).toEqual([expected.block, 0]);
      expect([...version.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
      for (const [name, bytes] of expected.tensors) {
        expect(equalBytes(version.tensors.get(name) ?? new Uint8Array(), bytes), name).toBe(true);
      }
      const block = plan.blocks.find(({ id }) => id === expected.block);
      expect(asked.sort()).toEqual([...(block?.parameters ?? [])].sort());
    }
  });

  it('makes values canonical', async () => {
    const name = 'model.norm.weight';
    const odd = {
      ...weights,
      float32: async (of: string) => (of === name ? new Float32Array(64).fill(-0) : weights.float32(of)),
    };
    const { tensors } = await firstVersion(plan, 'head', odd);
    expect(new Uint32Array((tensors.get(name) ?? new Uint8Array()).slice().buffer)).toEqual(
      new Uint32Array(64),
    );
  });

  it('[B-15] is a block of the fresh adapters of a model', () => {
    const draw = (...at: readonly number[]) => new RandomStream([8, 8]).word(at[0]!, at[1]!, at[2]!);
    const lora = { ...DEFAULT_LORA, rank: 2 };
    const beside = blockPlan({ config, layers: [1, 1], weights: { frozen: true, lora } });
    const fresh = freshAdapterState(config, lora, initialAdapters({ config, lora, draw }));
    for (const expected of blocksOf(beside, fresh)) {
      const version = firstAdapters(beside, expected.block, draw);
      expect({ ...version, tensors: [...version.tensors] }).toEqual({
        ...expected,
        tensors: [...expected.tensors],
      });
    }
    expect(firstAdapters(beside, 'head', draw).tensors.size).toBe(0);
    expect(() => firstAdapters(plan, 'head', draw)).toThrow('firstVersion');
  });

  it('refuses other shapes and frozen weights', async () => {
    const short = { ...weights, float32: async () => new Float32Array(3) };
    await expect(firstVersion(plan, 'head', short)).rejects.toThrow('3 elements');
    const frozen = { ...plan, weights: { frozen: true } };
    await expect(firstVersion(frozen, 'head', weights)).rejects.toThrow('adapters');
  });
});
