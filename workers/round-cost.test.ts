import { describe, expect, it } from 'vitest';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { smallSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { predictCost } from './round-cost.ts';

const nano = {
  spec: smallSpec,
  config: NANO_CONFIG,
  parameters: 100_000,
  modelBytes: 400_000,
  speed: 10,
  deviceMemory: 8,
};

describe('the cost of a round', () => {
  it('is time by the measured speed, memory, and what is fetched', () => {
    const cost = predictCost(nano);
    expect(cost.seconds).toBeGreaterThanOrEqual(1);
    expect(cost).toMatchObject({ roundSeconds: 20, fit: 'good', download: 400_000 });
    expect(predictCost({ ...nano, speed: null }).seconds).toBeNull();
  });

  it('grows with the model, the answers and the questions from a file', () => {
    const slow = predictCost({ ...nano, parameters: 100_000_000 });
    expect(slow.seconds).toBeGreaterThan(predictCost({ ...nano, parameters: 50_000_000 }).seconds ?? 0);
    const long = { ...smallSpec, round: { ...smallSpec.round, answerTokens: 64 } };
    const short = { ...smallSpec, round: { ...smallSpec.round, answerTokens: 4 } };
    expect(predictCost({ ...nano, spec: long }).memory).toBeGreaterThan(
      predictCost({ ...nano, spec: short }).memory,
    );
  });

  it('is less memory with adapters than with all weights', () => {
    const config = { ...NANO_CONFIG, hiddenSize: 512, heads: 8, kvHeads: 2, headDim: 64, feedForward: 2048 };
    const adapters = { kind: 'adapters', rank: 8, alpha: 16, targets: ['q_proj'] } as const;
    const cost = (spec: typeof smallSpec) => predictCost({ ...nano, config, spec }).memory;
    expect(cost({ ...smallSpec, trained: adapters })).toBeLessThan(cost(smallSpec));
  });

  it('says that a model is too large for the device', () => {
    const config = { ...NANO_CONFIG, hiddenSize: 4096, heads: 32, kvHeads: 8, headDim: 128, layers: 32 };
    expect(predictCost({ ...nano, config: { ...config, feedForward: 14_336 } }).fit).toBe('stop');
  });
});
