import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../protocol/must.ts';
import { type Lesson, type MicroRecipe, microTokenizer } from './micro-pretraining.ts';
import { MODEL_FILES } from './nano-files.ts';
import { type TrainMicroOptions, trainMicro } from './pretrain-micro.ts';
import { PretrainingStateError } from './pretraining-state.ts';
import { SHORT_TASKS } from './tasks/catalogue.ts';

const RECIPE: MicroRecipe = {
  seed: 'a small recipe',
  config: {
    hiddenSize: 16,
    layers: 1,
    heads: 2,
    kvHeads: 1,
    headDim: 8,
    feedForward: 24,
    vocabulary: microTokenizer().size,
    context: 288,
    ropeTheta: 10000,
    normEpsilon: 1e-6,
    tiedEmbedding: true,
  },
  steps: 24,
  batch: 8,
  learningRate: 3e-3,
  warmup: 4,
  decay: 6,
  deviation: 0.1,
};
const LESSONS: readonly Lesson[] = [{ task: must(SHORT_TASKS, 0), difficulties: [0, 1], weight: 1 }];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'micro-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Options of a run with its state and model below `name`. */
function optionsFor(name: string): TrainMicroOptions & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    verify: false,
    restart: false,
    taught: { recipe: RECIPE, lessons: LESSONS },
    stateFolder: join(root, name, 'state'),
    modelFolder: join(root, name, 'model'),
    saveEvery: 4,
    questions: 0,
    print: (line) => lines.push(line),
    lines,
  };
}

async function filesOf(name: string): Promise<readonly Buffer[]> {
  return Promise.all(MODEL_FILES.map((file) => readFile(join(root, name, 'model', file))));
}

describe('trainMicro', () => {
  it('gives the same bits when it was killed between two saves, on any number of threads', async () => {
    const through = optionsFor('through');
    const whole = await trainMicro({ ...through, questions: 1 });
    expect(through.lines.at(-1)).toMatch(/^\| sums 1 .* \|$/);
    const broken = optionsFor('broken');
    const killed = trainMicro({
      ...broken,
      print: (line) => {
        if (line.startsWith('step 10 ')) throw new Error('killed');
      },
    });
    await expect(killed).rejects.toThrow('killed');
    const resumed = await trainMicro({ ...broken, threads: 2 });
    expect(broken.lines[0]).toBe('continues after step 8 of 24');
    expect(resumed).toEqual(whole);
    expect(await filesOf('broken')).toEqual(await filesOf('through'));
    expect(through.lines.filter((line) => line.startsWith('step '))).toEqual([
      expect.stringMatching(/^step 10 of 24: loss \d\.\d{3}, \d+ s, about \d+ s left$/),
      expect.stringMatching(/^step 20 of 24: /),
      expect.stringMatching(/^step 24 of 24: .* about 0 s left$/),
    ]);
    const verified = await trainMicro({ ...broken, stateFolder: join(root, 'again'), verify: true });
    expect(verified).toEqual({ root: whole?.root, same: true });
  });

  it('stops after a step, and may be made longer while its learning rate is level', async () => {
    const whole = await trainMicro({ ...optionsFor('long'), steps: 30 });
    const options = optionsFor('stopped');
    expect(await trainMicro({ ...options, stopAfter: 9 })).toBeUndefined();
    expect(await trainMicro({ ...options, steps: 30 })).toEqual(whole);
  });

  it('refuses the state of another recipe, and of a run whose rate had begun to fall', async () => {
    const options = optionsFor('other');
    await trainMicro({ ...options, stopAfter: 22 });
    await expect(trainMicro({ ...options, steps: 30 })).rejects.toThrow(PretrainingStateError);
    const taught = { recipe: { ...RECIPE, learningRate: 1e-3 }, lessons: LESSONS };
    await expect(trainMicro({ ...options, taught })).rejects.toThrow('--restart');
    expect(await trainMicro({ ...options, taught, restart: true })).toBeDefined();
  });
});
