import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { must } from '../protocol/must.ts';
import type { AdvantagedSample } from './grpo.ts';
import { optimizerOf } from './learning-settings.ts';
import { likelySamples } from './likely-samples.ts';
import { scoreRows } from './sampling.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, narrowParameters } from './testing/narrow-model.ts';

let engine: Engine;
let model: ModelSession;
beforeAll(async () => {
  engine = createReferenceEngine();
  model = await ModelSession.create({
    engine,
    config: NARROW_CONFIG,
    parameters: narrowParameters('likely samples'),
    optimizer: optimizerOf(NARROW_SETTINGS),
  });
});
afterAll(async () => {
  await model.dispose();
  await engine.stop();
});

const PROMPT = [5, 6, 7];
const sampleOf = (tokens: readonly number[]): AdvantagedSample => ({
  ...{ item: 0, prompt: PROMPT, tokens, reward: 1 },
  logprobs: tokens.map(() => 0),
  advantages: tokens.map(() => 1),
});
const scoresOf = async (tokens: readonly number[]) =>
  must(await scoreRows(model, [{ prompt: PROMPT, completion: tokens }]), 0);

/** A sample of these lengths, and a floor below which exactly so many of its tokens lie. */
async function withUnlikely(length: number, count: number) {
  const sample = sampleOf(Array.from({ length }, (_, at) => 10 + ((7 * at) % 40)));
  const scores = await scoresOf(sample.tokens);
  const floor = must(
    [...scores].sort((a, b) => a - b),
    count,
  );
  return { sample, scores, floor };
}

describe('likelySamples', () => {
  it('leaves samples as they are without a floor, or above it', async () => {
    const { sample, floor } = await withUnlikely(9, 0);
    expect(await likelySamples(model, [sample, sample], 'none')).toEqual([sample, sample]);
    // A token just as likely as the floor is likely enough.
    expect(await likelySamples(model, [sample, sample], floor)).toEqual([sample, sample]);
  });

  it('leaves out a short answer with one unlikely token, whatever its author claims of it', async () => {
    const { sample, floor, scores } = await withUnlikely(9, 1);
    for (const claimed of [scores, sample.tokens.map(() => 0), sample.tokens.map(() => -20)])
      expect(await likelySamples(model, [{ ...sample, logprobs: claimed }], floor)).toEqual([]);
  });

  it('keeps a text of which a tenth is unlikely, without teaching those tokens', async () => {
    const { sample, floor, scores } = await withUnlikely(20, 2);
    const [kept] = await likelySamples(model, [sample], floor);
    expect(kept?.advantages).toEqual(scores.map((score) => (score < floor ? 0 : 1)));
    expect(kept?.advantages.filter((each) => each === 0)).toHaveLength(2);
    const more = await withUnlikely(20, 3);
    expect(await likelySamples(model, [more.sample], more.floor)).toEqual([]);
  });

  it('leaves out what has nothing left to teach, and keeps the order of the others', async () => {
    const { sample, floor, scores } = await withUnlikely(20, 1);
    const only = { ...sample, advantages: scores.map((score) => (score < floor ? 1 : 0)) };
    const others = [1, 2].map((reward) => ({ ...sample, reward }));
    const kept = await likelySamples(model, [must(others, 0), only, must(others, 1)], floor);
    expect(kept.map(({ reward }) => reward)).toEqual([1, 2]);
  });

  it('gives texts of other models the log-probabilities of the own weights', async () => {
    const { sample, floor, scores } = await withUnlikely(9, 0);
    const { logprobs: _, ...text } = sample;
    expect(await likelySamples(model, [text], floor)).toEqual([{ ...text, logprobs: scores }]);
  });
});
