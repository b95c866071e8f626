import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import type { PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { evaluate } from './evaluation.ts';
import { DEFAULT_SETTINGS, type LearningSettings, learningRateOf, optimizerOf } from './learning-settings.ts';
import { openRound } from './open-round.ts';
import { choosePeers, trainRound } from './round.ts';
import { answerItems, scoreRows } from './sampling.ts';
import { collate } from './sequences.ts';
import { shortFormat } from './short-format.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from './testing/narrow-model.ts';
import { publishedAnswers } from './testing/published-answers.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const address = (digit: string) => `0x${digit.repeat(40)}` as DeviceAddress;
const ANNA = address('a');
const BEN = address('b');
const context: RoundContext = { round: 5, seed: `0x${'12'.repeat(32)}`, device: ANNA };

let engine: Engine;
beforeAll(() => {
  engine = createReferenceEngine();
});
afterAll(() => engine.stop());

async function openPolicy(settings = NARROW_SETTINGS) {
  const session = await ModelSession.create({
    engine,
    config: NARROW_CONFIG,
    parameters: narrowParameters('train round'),
    optimizer: optimizerOf(settings),
  });
  return { model: session, format };
}

const rolloutsOf = (author: DeviceAddress, text?: string): PeerRollouts =>
  publishedAnswers({ author, context, settings: NARROW_SETTINGS, tasks: NARROW_TASKS, format, text });

/** Own answers that are right and wrong in turn, so that there is something to learn. */
const own = { ...rolloutsOf(ANNA), cid: 'cid-own' };
const NO_ANSWERS = { ...own, set: { ...own.set, groups: [] } };

/** The parameters after one round of training. */
async function trained(settings: LearningSettings, foreign: readonly PeerRollouts[], answers = own) {
  const policy = await openPolicy(settings);
  const training = await trainRound(policy, openRound(context, settings, NARROW_TASKS), {
    own: answers,
    foreign,
  });
  const { parameters } = await policy.model.snapshot();
  await policy.model.dispose();
  return { parameters, training };
}

describe('trainRound', () => {
  it('makes what peers answer rightly more likely than their mistakes', async () => {
    const policy = await openPolicy();
    const { model: session } = policy;
    const answers = rolloutsOf(BEN);
    // The first completion of each item is right, the second is wrong.
    const nth = (sample: number): PeerRollouts => {
      const groups = answers.set.groups.map(({ item, completions }) => ({
        item,
        completions: completions.slice(sample, sample + 1),
      }));
      return { ...answers, set: { ...answers.set, groups } };
    };
    const [right, wrong] = [nth(0), nth(1)];
    const likelihood = async ({ set }: PeerRollouts) => {
      const items = openRound(context, NARROW_SETTINGS, NARROW_TASKS).items;
      const collated = collate(
        set.groups.map(({ item, completions }) => ({
          prompt: format.answer(must(items, item)),
          completion: completions[0]?.tokens ?? [],
        })),
      );
      const logprobs = await session.score(collated);
      return collated.perToken(() => 1).reduce((sum, weight, at) => sum + weight * (logprobs[at] ?? 0), 0);
    };
    const before = { right: await likelihood(right), wrong: await likelihood(wrong) };
    for (let times = 0; times < 3; times++) {
      await trainRound(policy, openRound(context, NARROW_SETTINGS, NARROW_TASKS), {
        own: NO_ANSWERS,
        foreign: [answers],
      });
    }
    // Both end with the end token, which both make more likely; what counts is the distance.
    const after = { right: await likelihood(right), wrong: await likelihood(wrong) };
    expect(after.right - after.wrong).toBeGreaterThan(before.right - before.wrong);
    expect(after.right).toBeGreaterThan(before.right);
    await session.dispose();
  });

  it('changes no bit for the wrong answers of strangers, however many they are', async () => {
    // By place, random weights are right enough to practise on.
    const many = { samplesPerItem: 32, practicePrompts: 8 };
    const settings: LearningSettings = { ...NARROW_SETTINGS, ...many, reward: 'by place' };
    const alone = await trained(settings, []);
    const strangers = [...'bcdef'].map((digit) => rolloutsOf(address(digit), '0'));
    const among = await trained(settings, strangers);
    expect(alone.training.optimizerSteps).toBeGreaterThan(0);
    expect(among.parameters).toEqual(alone.parameters);
    expect(among.training.trainedSamples).toBe(alone.training.trainedSamples);
  });

  it('trains on no right answer of strangers that the own weights find unlikely, and on all of them without a floor', async () => {
    const mix = { own: 2, foreign: 2 };
    const settings: LearningSettings = { ...NARROW_SETTINGS, practicePrompts: 0, mix };
    // Random weights find every token unlikely.
    const strangers = [rolloutsOf(BEN), rolloutsOf(address('c'))];
    const counts = async (foreignFloor: LearningSettings['foreignFloor'], foreign: readonly PeerRollouts[]) =>
      (await trained({ ...settings, foreignFloor }, foreign)).training.trainedSamples;
    expect([await counts(-3, []), await counts(-3, strangers)]).toEqual([8, 8]);
    expect([await counts(-100, strangers), await counts('none', strangers)]).toEqual([16, 16]);
  });

  it('trains on the right answers of a stranger only, beside all of the own', async () => {
    const counts = (successesOnly: LearningSettings['successesOnly']) =>
      trained({ ...NARROW_SETTINGS, mix: { own: 2, foreign: 2 }, practicePrompts: 0, successesOnly }, [
        rolloutsOf(BEN),
      ]).then(({ training }) => training.trainedSamples);
    // Four items with one right and one wrong completion by each of two authors.
    expect([await counts('none'), await counts('foreign'), await counts('all')]).toEqual([16, 12, 8]);
  });

  it('does not train on answers to items that their author did not draw', async () => {
    const settings = { ...NARROW_SETTINGS, practicePrompts: 0 };
    const round = openRound(context, settings, NARROW_TASKS);
    const other = round.items.map((_, index) => index).filter((index) => !round.drawOf(BEN).includes(index));
    const answers = rolloutsOf(BEN);
    const groups = answers.set.groups.map(({ completions }, at) => ({ item: other[at] ?? 0, completions }));
    const { training } = await trained(
      settings,
      [{ ...answers, set: { ...answers.set, groups } }],
      NO_ANSWERS,
    );
    expect(training.optimizerSteps).toBe(0);
    expect(new Set(training.rejections)).toEqual(new Set(['item not drawn by the author']));
  });

  it('starts with a small learning rate, moves less on few samples, and decays no weight unless told to', async () => {
    const { learningRate, warmupSteps, weightDecay } = DEFAULT_SETTINGS;
    expect([warmupSteps, weightDecay]).toEqual([10, 0]);
    const rates = [0, 4, 9, 10, 1000].map((steps) =>
      learningRateOf(DEFAULT_SETTINGS, { steps, samples: DEFAULT_SETTINGS.fullBatch }),
    );
    expect(rates).toEqual([0.1, 0.5, 1, 1, 1].map((share) => learningRate * share));
    const settings = { ...NARROW_SETTINGS, practicePrompts: 0 };
    const moved = async (changed: Partial<LearningSettings>) => {
      const { parameters } = await trained({ ...settings, ...changed }, []);
      const start = narrowParameters('train round');
      let squares = 0;
      for (const [name, values] of parameters) {
        values.forEach((value, at) => {
          squares += (value - (start.get(name)?.[at] ?? 0)) ** 2;
        });
      }
      return Math.sqrt(squares);
    };
    const full = await moved({});
    expect((await moved({ warmupSteps: 10 })) / full).toBeCloseTo(0.1, 2);
    expect(await moved({ weightDecay: 0.5 })).not.toBe(full);
    // Four right and four wrong samples: a quarter of a full batch moves the weights half as far.
    expect((await moved({ fullBatch: 32 })) / full).toBeCloseTo(0.5, 2);
    expect(await moved({ fullBatch: 8 })).toBe(full);
  });
});

describe('with models of any family', () => {
  const settings: LearningSettings = { ...NARROW_SETTINGS, models: 'any' };
  /** The answers as the model of another family publishes them. */
  const elsewhere = (peer: PeerRollouts): PeerRollouts => ({
    ...peer,
    set: {
      ...peer.set,
      groups: peer.set.groups.map(({ item, completions }) => ({
        item,
        completions: completions.map(({ text }) => ({ text, tokens: [70_000, 70_001], logprobs: [-9, -9] })),
      })),
    },
  });

  it("trains on other models' right answers as if it had drawn them itself: the ratio starts at 1", async () => {
    const policy = await openPolicy(settings);
    const round = openRound(context, settings, NARROW_TASKS);
    const foreign = rolloutsOf(BEN);
    // What the device's own weights say of the same texts, published as an author of the same base would.
    const groups = await Promise.all(
      foreign.set.groups.map(async ({ item, completions }) => {
        const prompt = format.answer(must(round.items, item));
        const scores = await scoreRows(
          policy.model,
          completions.map(({ tokens }) => ({ prompt, completion: tokens })),
        );
        return {
          item,
          completions: completions.map((completion, at) => ({ ...completion, logprobs: must(scores, at) })),
        };
      }),
    );
    await policy.model.dispose();
    const exact = { ...foreign, set: { ...foreign.set, groups } };
    const theirs = await trained(settings, [elsewhere(foreign)], NO_ANSWERS);
    expect(theirs.training.trainedSamples).toBeGreaterThan(0);
    expect(theirs).toEqual(await trained(settings, [exact], NO_ANSWERS));
    // Among one model the same rollouts teach nothing.
    const strict = await trained(NARROW_SETTINGS, [elsewhere(foreign)], NO_ANSWERS);
    expect(strict.training.trainedSamples).toBe(0);
  });

  it('gives the same bits again, as a replay needs it', async () => {
    const once = await trained(settings, [elsewhere(rolloutsOf(BEN))]);
    expect(await trained(settings, [elsewhere(rolloutsOf(BEN))])).toEqual(once);
  });
});

describe('answerItems', () => {
  it('publishes log-probabilities of the weights, whatever the temperature of the draws', async () => {
    const settings = { ...NARROW_SETTINGS, temperature: 0.5 };
    const policy = await openPolicy(settings);
    const round = openRound(context, settings, NARROW_TASKS);
    const groups = await answerItems(policy, round);
    const rows = groups.flatMap(({ item, completions }) =>
      completions.map(({ tokens, logprobs }) => ({
        prompt: format.answer(must(round.items, item)),
        completion: tokens,
        logprobs,
      })),
    );
    const collated = collate(rows);
    const scores = await policy.model.score(collated);
    // The ratio of the policy objective is exactly 1 for weights that have not moved.
    const published = collated.perToken(({ row, position }) => row.logprobs[position] ?? Number.NaN);
    const places = collated.perToken(() => 1);
    const differences = [...places].filter((place, at) => place === 1 && published[at] !== scores[at]);
    expect(differences).toEqual([]);
    await policy.model.dispose();
  });
});

describe('a model with a short context', () => {
  it('leaves out the questions that it cannot read, with a reason, and learns from the others', async () => {
    const config = { ...NARROW_CONFIG, context: 16 };
    const model = await ModelSession.create({
      engine,
      config,
      parameters: narrowParameters('train round'),
      optimizer: optimizerOf(NARROW_SETTINGS),
    });
    const policy = { model, format };
    const round = openRound(context, NARROW_SETTINGS, NARROW_TASKS);
    const fits = (item: number) => format.answer(must(round.items, item)).length + 9 <= config.context;
    const drawn = round.drawOf(ANNA);
    const groups = await answerItems(policy, round);
    expect(groups.map(({ item }) => item)).toEqual(drawn.filter(fits));
    expect(groups.length).toBeGreaterThan(0);
    const training = await trainRound(policy, round, { own, foreign: [rolloutsOf(BEN)] });
    expect(training.skipped.map(({ item }) => item)).toEqual(drawn.filter((item) => !fits(item)));
    expect(training.skipped[0]?.reason).toMatch(
      /has \d+ tokens .* up to 9, and the model reads 16: choose fewer/,
    );
    expect(training.rejections).toContain('question does not fit this model');
    expect(training.optimizerSteps).toBeGreaterThan(0);
    // A question that it cannot read counts as one that it does not answer.
    const metrics = await evaluate(policy, NARROW_SETTINGS, NARROW_TASKS);
    expect(metrics.answering).toBeGreaterThanOrEqual(0);
    await model.dispose();
  });
});

describe('choosePeers', () => {
  it('[P-76] takes the first other authors, each once and at most as many as set, in any order of a replay', () => {
    const crowd = [...'bcdef0123456789'].map((digit) => rolloutsOf(address(digit)));
    const settings = { ...NARROW_SETTINGS, peersPerRound: 6 };
    const chosen = choosePeers(openRound(context, settings, NARROW_TASKS), [
      ...crowd,
      rolloutsOf(ANNA),
      ...crowd,
    ]);
    const authors = chosen.map(({ author }) => author);
    expect(authors).toEqual([...'bcdef0'].map(address).toSorted());
    expect(choosePeers(openRound(context, settings, NARROW_TASKS), chosen.toReversed())).toEqual(chosen);
  });
});
