import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { RandomStream } from '../protocol/philox.ts';
import { completionTokenizer, promptTokens } from './completion-tokenizer.ts';
import { sample } from './sampling.ts';
import { collate, policyBatch, rowsTogether, supervisedBatch } from './sequences.ts';
import { shortFormat } from './short-format.ts';

describe('collate', () => {
  it('has each completion token as the target of the place before it', () => {
    const collated = collate([
      { prompt: [1, 10, 11], completion: [20, 2] },
      { prompt: [1, 12], completion: [21, 22, 2] },
    ]);
    expect([collated.batch, collated.length]).toEqual([2, 8]);
    expect([...collated.tokens.slice(0, 16)]).toEqual([1, 10, 11, 20, 0, 0, 0, 0, 1, 12, 21, 22, 0, 0, 0, 0]);
    expect([...collated.targets.slice(0, 16)]).toEqual([
      10, 11, 20, 2, 0, 0, 0, 0, 12, 21, 22, 2, 0, 0, 0, 0,
    ]);
    const places = collated.perToken(({ row, position }) => row.completion[position] ?? 0);
    expect([...places.slice(0, 16)]).toEqual([0, 0, 20, 2, 0, 0, 0, 0, 0, 21, 22, 2, 0, 0, 0, 0]);
    expect(places.length).toBe(16);
  });

  it('pads few rows to a power of two and more to whole eights', () => {
    const batchOf = (count: number) =>
      collate(Array.from({ length: count }, () => ({ prompt: [1], completion: [2] }))).batch;
    expect([1, 2, 3, 5, 8, 9, 16, 17].map(batchOf)).toEqual([1, 2, 4, 8, 8, 16, 16, 24]);
    expect([0.2, 1, 3.5, 7.9, 8, 15, 17].map(rowsTogether)).toEqual([1, 1, 2, 4, 8, 8, 16]);
  });

  it('weighs every completion token the same, in all 1', () => {
    const rows = [
      { prompt: [1], completion: [5, 2], advantages: [1, 0.5], oldLogprobs: [-1, -2] },
      { prompt: [1, 6], completion: [7, 8, 2], advantages: [-1, 0, -1], oldLogprobs: [-3, -4, -5] },
    ];
    const supervised = supervisedBatch(rows, 1e-3);
    const policy = policyBatch(rows, 1e-3);
    for (const { weights } of [supervised, policy]) {
      expect(Array.from(weights).filter((weight) => weight > 0)).toEqual(new Array(5).fill(Math.fround(0.2)));
    }
    expect(Array.from(policy.policy?.oldLogprobs ?? []).slice(0, 12)).toEqual([
      -1, -2, 0, 0, 0, 0, 0, 0, 0, -3, -4, -5,
    ]);
    expect(Array.from(policy.policy?.advantages ?? []).slice(0, 12)).toEqual([
      1, 0.5, 0, 0, 0, 0, 0, 0, 0, -1, 0, -1,
    ]);
  });
});

describe('what was sampled', () => {
  let engine: Engine;
  beforeAll(() => {
    engine = createReferenceEngine();
  });
  afterAll(() => engine.stop());

  it('is trained to the same bits however many rows of padding it has', async () => {
    const stream = RandomStream.named({ seed: new Uint8Array(8), round: 0, device: '', purpose: 'order' });
    const config = {
      ...NANO_CONFIG,
      hiddenSize: 8,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headDim: 4,
      feedForward: 8,
    };
    const parameters = initialParameters({
      config,
      draw: (t, e, p) => stream.word(t, e, p),
      deviation: 0.2,
    });
    const small = policyBatch(
      [3, 9, 4].map((first) => ({
        prompt: [1, first, 5],
        completion: [7, first, 2],
        advantages: [1, 1, -1],
        oldLogprobs: [-4, -4, -4],
      })),
      1e-2,
    );
    const padded = (values: ArrayLike<number>) => [
      ...Array.from(values),
      ...new Array<number>(4 * 8).fill(0),
    ];
    const large = {
      ...small,
      batch: 8,
      tokens: padded(small.tokens),
      targets: padded(small.targets),
      weights: padded(small.weights),
      policy: {
        advantages: padded(small.policy?.advantages ?? []),
        oldLogprobs: padded(small.policy?.oldLogprobs ?? []),
      },
    };
    expect([small.batch, small.length]).toEqual([4, 8]);
    const states = [];
    for (const batch of [small, large]) {
      const session = await ModelSession.create({ engine, config, parameters });
      for (let step = 0; step < 3; step++) await session.step(batch);
      states.push(await session.snapshot());
      await session.dispose();
    }
    expect(states[1]).toEqual(states[0]);
  });

  it('has the same log-probabilities in training to the bit, so that the first ratio is 1', async () => {
    const config = {
      ...NANO_CONFIG,
      hiddenSize: 8,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headDim: 4,
      feedForward: 8,
    };
    const stream = RandomStream.named({
      seed: new Uint8Array(8),
      round: 0,
      device: '',
      purpose: 'sampling',
    });
    const session = await ModelSession.create({
      engine,
      config,
      parameters: initialParameters({ config, draw: (t, e, p) => stream.word(t, e, p), deviation: 0.2 }),
    });
    const tokenizer = completionTokenizer(new Tokenizer(characterTokenizerJson()));
    const prompts = ['1+2=', 'sort 312=', 'gcd 12 18=6?'].map((text) => promptTokens(tokenizer, text));
    const completions = await sample(
      { model: session, format: shortFormat(tokenizer) },
      prompts.map((prompt, item) => ({ prompt, item, sample: 0 })),
      stream,
      { temperature: 1, maxTokens: 9 },
    );
    const rows = prompts.map((prompt, index) => ({
      prompt,
      completion: completions[index]?.tokens ?? [],
    }));
    const collated = collate(rows);
    const scored = await session.score(collated);
    const places = collated.perToken(() => 1);
    expect(Array.from(scored).filter((_, at) => places[at] === 1)).toEqual(
      completions.flatMap(({ logprobs }) => logprobs),
    );
    await session.dispose();
  });
});
