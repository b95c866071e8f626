import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { FrozenSession } from '../models/decoder/frozen-session.ts';
import { initialAdapters, type LoraOptions } from '../models/decoder/lora/adapters.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { memoryWeights } from '../models/decoder/weights.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { RoundContext } from '../protocol/trainer.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { evaluate } from './evaluation.ts';
import { optimizerOf } from './learning-settings.ts';
import { openRound } from './open-round.ts';
import type { PolicyModel } from './policy-model.ts';
import { trainRound } from './round.ts';
import { answerItems } from './sampling.ts';
import { shortFormat } from './short-format.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from './testing/narrow-model.ts';
import { publishedAnswers } from './testing/published-answers.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const author: DeviceAddress = `0x${'a'.repeat(40)}`;
const context: RoundContext = { round: 5, seed: `0x${'12'.repeat(32)}`, device: author };
const lora: LoraOptions = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] };
const config = NARROW_CONFIG;
const parameters = narrowParameters('policy model');
const optimizer = optimizerOf(NARROW_SETTINGS);
const draw = (tensor: number, element: number) => Math.imul(tensor * 131 + element + 7, 0x9e3779b1) >>> 0;

let engine: Engine;
beforeAll(() => {
  engine = createReferenceEngine();
});
afterAll(() => engine.stop());

const MODELS: readonly [string, () => Promise<PolicyModel>][] = [
  ['all weights', () => ModelSession.create({ engine, config, parameters, optimizer })],
  [
    'adapters beside frozen weights',
    () =>
      FrozenSession.create({
        engine,
        config,
        weights: memoryWeights(parameters),
        optimizer,
        lora: { ...lora, adapters: initialAdapters({ config, lora, draw }) },
      }),
  ],
];

test.each(MODELS)(
  'a round trains %s, is undone by a snapshot, and gives the same bits again',
  async (_, open) => {
    const model = await open();
    const policy = { model, format };
    const round = openRound(context, NARROW_SETTINGS, NARROW_TASKS);
    const groups = await answerItems(policy, round);
    expect(groups.map(({ completions }) => completions.length)).toEqual([2, 2, 2, 2]);
    const before = await model.snapshot();
    const own = publishedAnswers({ author, context, settings: NARROW_SETTINGS, tasks: NARROW_TASKS, format });
    const training = await trainRound(policy, round, { own, foreign: [] });
    expect(training.optimizerSteps).toBeGreaterThan(0);
    const after = await model.snapshot();
    const roots = await model.roots();
    expect(after).not.toEqual(before);
    const metrics = await evaluate(policy, NARROW_SETTINGS, NARROW_TASKS);
    await model.restore(before);
    expect(await model.roots()).not.toEqual(roots);
    expect(await answerItems(policy, round)).toEqual(groups);
    await trainRound(policy, round, { own, foreign: [] });
    expect(await model.snapshot()).toEqual(after);
    expect(await model.roots()).toEqual(roots);
    expect(await evaluate(policy, NARROW_SETTINGS, NARROW_TASKS)).toEqual(metrics);
    await model.dispose();
  },
);

test.each(MODELS)('%s refuse a state of the other kind of training, and change nothing', async (_, open) => {
  const model = await open();
  const before = await model.snapshot();
  const empty = { m: new Map(), v: new Map(), step: 1 };
  const other =
    'parameters' in before ? { ...empty, adapters: new Map() } : { ...empty, parameters: new Map() };
  await expect(model.restore(other)).rejects.toThrow(/restore|open/);
  expect(await model.snapshot()).toEqual(before);
  await model.dispose();
});
