import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { completionTokenizer } from '../completion-tokenizer.ts';
import type { LearningSettings } from '../learning-settings.ts';
import type { LoadedModel } from '../nano-files.ts';
import { shortFormat } from '../short-format.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, narrowParameters } from '../testing/narrow-model.ts';
import { type LearningResult, type LearningRunOptions, runLearning } from './learning-run.ts';
import { pairedRatio } from './paired-ratio.ts';
import { POISON_ARMS, type PoisonArm, runPoisonArm } from './poison-arms.ts';
import { pretrainBase } from './sapo-base.ts';
import { figuresText, gainOf, gainPicture, picture } from './sapo-results.ts';
import { StoredParts } from './stored-parts.ts';
import { runTrainers } from './trainer-run.ts';

const model: LoadedModel = {
  config: NARROW_CONFIG,
  parameters: narrowParameters('experiments'),
  tokenizer: completionTokenizer(new Tokenizer(characterTokenizerJson())),
};
const asked = { ...model, format: shortFormat(model.tokenizer) };
const settings: LearningSettings = { ...NARROW_SETTINGS, practicePrompts: 0, heldOutItems: 8 };

let engine: Engine;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
});
afterAll(() => engine.stop());

describe('runLearning', () => {
  const run = (options: Partial<LearningRunOptions> = {}) =>
    runLearning({
      ...{ engine, model: asked, settings, peers: 2, shared: true, run: 'tiny', rounds: 2 },
      ...{ measureAt: [0, 2], measuredPeers: 2 },
      ...options,
    });

  it('gives the same figures again, counted per peer and round', async () => {
    const [first, again] = [await run(), await run()];
    expect({ ...again, cpuSeconds: 0 }).toEqual({ ...first, cpuSeconds: 0 });
    expect(first.sampled).toBe(settings.itemsAnswered * settings.samplesPerItem);
    expect(first.sampledTokens).toBeGreaterThan(first.sampled);
    expect(first.rewardOfPeers.length).toBe(2);
    expect(first.skill.map(({ round }) => round)).toEqual([0, 2]);
    for (const { sampled, passAt4 } of first.skill) expect(passAt4).toBeGreaterThanOrEqual(sampled);
  });

  it('trains on nothing when nothing is right, and by chance in the control', async () => {
    // Random weights are never right.
    expect(await run()).toMatchObject({ reward: 0, trained: 0 });
    const control = await run({
      chanceRewards: true,
      settings: { ...settings, samplesPerItem: 16, mix: { own: 16, foreign: 16 } },
    });
    expect(control.reward).toBe(0);
    expect(control.trained).toBeGreaterThan(0);
  });
});

describe('runPoisonArm', () => {
  it('plays every attack, and the worst of them moves no weight of a device that practises nothing', async () => {
    const play = (arm: PoisonArm) =>
      runPoisonArm({ ...{ arm, engine, model, settings }, run: 'tiny', rounds: 1, readEvery: 1 });
    const alone = await play('alone');
    expect(alone.map(({ round }) => round)).toEqual([0, 1]);
    for (const arm of Object.keys(POISON_ARMS) as PoisonArm[]) {
      const readings = await play(arm);
      // Only one right answer among wrong ones is ever trained on.
      expect(readings.at(-1)?.trainedSamples ?? 0).toBeGreaterThanOrEqual(arm.startsWith('one') ? 1 : 0);
      if (!arm.startsWith('one')) expect(readings).toEqual(alone);
    }
  });
});

/** Rewards by chance, so that random weights have something to train on. */
const CHANCE: LearningSettings = {
  ...settings,
  samplesPerItem: 16,
  mix: { own: 16, foreign: 16 },
  successesOnly: 'all',
};

describe('the other rules of learning', () => {
  const run = (options: Partial<LearningRunOptions>) =>
    runLearning({
      ...{ engine, model: asked, settings: CHANCE, peers: 3, shared: true, run: 'rules', rounds: 1 },
      ...{ measureAt: [], measuredPeers: 1, chanceRewards: true },
      ...options,
    });

  it('train on failures too as published, and on few foreign groups', async () => {
    const successes = await run({ shared: false });
    const published = await run({ rule: 'published', shared: false });
    expect(successes.trained).toBeGreaterThan(0);
    expect(published.trained).toBeGreaterThan(successes.trained);
    const foreign = (await run({ rule: 'published' })).trained - published.trained;
    expect(foreign).toBeGreaterThan(0);
    expect(foreign).toBeLessThanOrEqual(4 * CHANCE.samplesPerItem);
  });

  it('train on fewer foreign groups when only those voted best count', async () => {
    const pooled = { ...CHANCE, itemsPerRound: CHANCE.itemsAnswered };
    const all = await run({ settings: pooled });
    const voted = await run({ settings: pooled, rule: 'voted' });
    const alone = await run({ settings: pooled, shared: false });
    expect(voted.trained).toBeLessThan(all.trained);
    expect(voted.trained).toBeGreaterThanOrEqual(alone.trained);
  });
});

describe('runTrainers', () => {
  it('runs every stage of the product’s trainers, and ends at the same roots again', async () => {
    const options = { engine, model, settings, run: 'tiny', rounds: 1 };
    const together = await runTrainers({ ...options, members: 2, shared: true });
    expect(together.rewardOfRounds).toEqual([0]);
    expect(new Set(together.roots).size).toBe(2);
    expect(await runTrainers({ ...options, members: 2, shared: true })).toEqual(together);
  });
});

describe('pretrainBase', () => {
  it('makes other weights for another run', async () => {
    const [first, again, other] = await Promise.all(
      ['one', 'one', 'two'].map((name) => pretrainBase({ engine, run: name, level: 1, steps: 0 })),
    );
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
});

describe('pairedRatio', () => {
  it('is the geometric mean with the interval of Student’s t on logarithms', () => {
    const { mean, interval, ratios } = pairedRatio([2, 8], [1, 1]);
    expect(ratios).toEqual([2, 8]);
    expect(mean).toBeCloseTo(4, 12);
    // ln 2 on either side of the mean; deviation ln 2 * sqrt 2; half = 12.706 * ln 2.
    expect(Math.log(interval?.[1] ?? 0) - Math.log(4)).toBeCloseTo(12.706 * Math.log(2), 9);
    expect(pairedRatio([3], [2])).toEqual({
      mean: Math.exp(Math.log(1.5)),
      interval: undefined,
      ratios: [1.5],
    });
  });

  it('refuses what has no ratio', () => {
    expect(() => pairedRatio([1], [1, 2])).toThrow(RangeError);
    expect(() => pairedRatio([], [])).toThrow(RangeError);
    expect(() => pairedRatio([0, 1], [1, 1])).toThrow('positive');
  });
});

describe('the figures of "sapo"', () => {
  const result = (reward: number, greedy: number): LearningResult => ({
    ...{
      reward,
      rewardOfPeers: [reward],
      rewardOfRounds: [reward],
      sampled: 64,
      trained: 10,
      sampledTokens: 400,
      cpuSeconds: 1,
    },
    skill: [
      { round: 0, sampled: 0.03, sampledByTask: {}, greedy: 0.1, passAt4: 0.1 },
      { round: 60, sampled: 0.2, sampledByTask: {}, greedy, passAt4: 0.4 },
    ],
  });
  const arms = [
    { arm: 'A', tuning: { learningRate: 3e-4, steps: 1 }, runs: [result(0.05, 0.2), result(0.04, 0.2)] },
    { arm: 'C', tuning: { learningRate: 1e-3, steps: 4 }, runs: [result(0.15, 0.4), result(0.12, 0.05)] },
  ] as const;

  it('name arms that were not run, and pair the others by seed', () => {
    expect(gainOf(arms, 'C', 'A')?.mean).toBeCloseTo(3, 12);
    expect(gainOf(arms, 'C', 'B')).toBeUndefined();
    const text = figuresText(arms, 60);
    expect(text).toContain('| B | alone with 2.5 times the samples | not run |');
    expect(text).toMatch(/\| C\/A \| 3\.00 \[3\.00, 3\.00\]; each seed: 3\.00, 3\.00 \|/);
    expect(text).toContain('30.0, -5.0 |');
  });

  it('are drawn with a curve for each arm that was run', () => {
    const svg = picture(arms);
    expect(svg.match(/<polyline/g)?.length).toBe(2);
  });

  it('are drawn over the start accuracy once there are two starts', () => {
    expect(gainPicture(arms)).toBeUndefined();
    const [alone, swarm] = arms;
    const later = [...arms, { ...alone, arm: 'A50' as const }, { ...swarm, arm: 'C50' as const }];
    const svg = gainPicture(later);
    expect(svg).toContain('start accuracy');
    // The ratio of 3 at the end of the curve.
    expect(svg).toContain('C/A 3');
  });
});

describe('StoredParts', () => {
  it('computes a part once, and again for other options or after a torn file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starling-parts-'));
    let computed = 0;
    const part = (options: unknown) =>
      new StoredParts(join(folder, 'made')).part('one part', options, async () => ++computed);
    expect([await part({ a: 1 }), await part({ a: 1 })]).toEqual([1, 1]);
    expect([await part({ a: 2 }), await part({ a: 2 })]).toEqual([2, 2]);
    const known = (options: unknown) => new StoredParts(join(folder, 'made')).known('one part', options);
    expect([await known({ a: 2 }), await known({ a: 1 })]).toEqual([2, undefined]);
    await rm(join(folder, 'made', 'one-part.json'));
    expect(await part({ a: 2 })).toBe(3);
    await rm(folder, { recursive: true });
  });
});
