import { describe, expect, it } from 'vitest';
import { blockPlan } from '../../models/blocks/block-plan.ts';
import { NANO_CONFIG } from '../../models/decoder/config.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { completionTokenizer } from '../completion-tokenizer.ts';
import { shortFormat } from '../short-format.ts';
import { NANO_SELECTION } from '../tasks/catalogue.ts';
import { openTasks } from '../tasks/task-source.ts';
import { BlockRun, BlockRunError, type BlockRunOptions } from './block-run.ts';

const config = { ...NANO_CONFIG, layers: 4 };
const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const tasks = await openTasks(NANO_SELECTION, new Map());

function run(options: Partial<BlockRunOptions> = {}): BlockRun {
  return new BlockRun({
    plan: blockPlan({ config, layers: [1, 1, 1, 1] }),
    microbatches: { count: 4, batch: 3, length: 32 },
    seed: new Uint8Array(32).fill(7),
    tasks,
    format,
    visited: 4,
    learningRate: 1e-3,
    ...options,
  });
}

describe('BlockRun', () => {
  it('[B-20] gives every member the same paths and data, from the seed and the step alone', () => {
    const [one, other] = [run(), run()];
    for (const step of [0, 3, 17, 2]) {
      expect(other.paths(step)).toEqual(one.paths(step));
      expect(other.data(step)).toEqual(one.data(step));
    }
    expect(run({ seed: new Uint8Array(32) }).data(3)).not.toEqual(one.data(3));
    expect(one.data(4)).not.toEqual(one.data(3));
  });

  it('[B-20] lets every block have as many microbatches, and every tenth step all of them', () => {
    const skipping = run();
    for (const step of [1, 2, 11]) {
      const visits = [1, 2, 3, 4].map(
        (stage) => skipping.paths(step).filter((path) => path.includes(stage)).length,
      );
      expect(visits).toEqual([3, 3, 3, 3]);
    }
    for (const step of [0, 10]) {
      expect(skipping.paths(step)).toEqual(Array.from({ length: 4 }, () => [1, 2, 3, 4]));
    }
    expect(run({ visited: undefined }).paths(1)).toEqual(Array.from({ length: 4 }, () => [1, 2, 3, 4]));
  });

  it('[B-20] gives the data that the step’s recipe names, with weights that sum to one', () => {
    const one = run();
    const data = one.data(2);
    const wanted = [...one.step(2).recipe.tensors].filter(([, { source }]) => source.kind === 'data');
    expect([...data.keys()].sort()).toEqual(wanted.map(([name]) => name).sort());
    for (const [name, { shape }] of wanted) {
      expect(data.get(name)?.length, name).toBe(shape.reduce((count, size) => count * size, 1));
    }
    const weights = [0, 1, 2, 3].flatMap((m) => [...(data.get(`weights.${m}`) ?? [])]);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
  });

  it('has one step for one choice of paths', () => {
    const one = run();
    expect(one.step(10)).toBe(one.step(0));
  });

  it('refuses rows in which no question fits', () => {
    const short = run({ microbatches: { count: 4, batch: 1, length: 2 } });
    expect(() => short.data(0)).toThrow(BlockRunError);
  });
});
