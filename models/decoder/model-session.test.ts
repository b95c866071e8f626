import { describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import type { DecoderConfig } from './config.ts';
import { initialParameters } from './initialize.ts';
import { ModelSession } from './model-session.ts';

const config: DecoderConfig = {
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  feedForward: 24,
  vocabulary: 12,
  context: 80,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

/** A small integer hash (murmur3's finaliser): reproducible bits for tests. */
function bits(...words: number[]): number {
  let h = 0x9e3779b9;
  for (const word of words) {
    h = Math.imul(h ^ word, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

const parameters = initialParameters({ config, draw: bits, deviation: 0.3 });
const uniform = (row: number, position: number) => bits(7, row, position) / 2 ** 32;

async function session() {
  return ModelSession.create({ engine: createReferenceEngine(), config, parameters });
}

describe('generate', () => {
  const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9]];

  it('gives log-probabilities with the bits of the full forward pass', async () => {
    const model = await session();
    const rows = await model.generate({ prompts, maxNewTokens: 6, endToken: 0, uniform });
    for (const [b, row] of rows.entries()) {
      const prompt = prompts[b] ?? [];
      const sequence = [...prompt, ...row.tokens];
      const logprobs = await model.score({
        batch: 1,
        length: sequence.length - 1,
        tokens: sequence.slice(0, -1),
        targets: sequence.slice(1),
      });
      expect(row.tokens.length).toBeGreaterThan(0);
      expect([...logprobs.subarray(prompt.length - 1)]).toEqual(row.logprobs);
    }
  });

  it('does not depend on the batch or the cache length', async () => {
    const model = await session();
    const rows = await model.generate({ prompts, maxNewTokens: 6, endToken: 0, uniform });
    const padded = await model.generate({ prompts, maxNewTokens: 6, endToken: 0, uniform, batch: 8 });
    expect(padded).toEqual(rows);
    const alone = await model.generate({
      prompts: prompts.slice(1, 2),
      maxNewTokens: 70,
      endToken: 0,
      uniform: (_, position) => uniform(1, position),
    });
    const expected = rows[1]!;
    expect(alone[0]?.tokens.slice(0, expected.tokens.length)).toEqual(expected.tokens);
    expect(alone[0]?.logprobs.slice(0, expected.logprobs.length)).toEqual(expected.logprobs);
  });

  it('ends a row at the end token', async () => {
    const model = await session();
    const [free] = await model.generate({ prompts: [[1]], maxNewTokens: 8, endToken: 999, uniform });
    const endToken = free?.tokens[2] ?? 0;
    const [row] = await model.generate({ prompts: [[1]], maxNewTokens: 8, endToken, uniform });
    expect(row?.tokens).toEqual(free?.tokens.slice(0, (free?.tokens.indexOf(endToken) ?? 0) + 1));
  });

  it('refuses what does not fit the model', async () => {
    const model = await session();
    const options = { maxNewTokens: 4, endToken: 0, uniform };
    await expect(model.generate({ ...options, prompts: [[12]] })).rejects.toThrow(/not a token id/);
    await expect(model.generate({ ...options, prompts: [[]] })).rejects.toThrow(/at least one token/);
    await expect(model.generate({ ...options, prompts: [[1]], maxNewTokens: 80 })).rejects.toThrow(
      /81 positions/,
    );
    await expect(model.generate({ ...options, prompts: [[1]], uniform: () => 1 })).rejects.toThrow(
      /\[0, 1\)/,
    );
  });

  it('stops when aborted', async () => {
    const model = await session();
    const signal = AbortSignal.abort();
    await expect(model.generate({ prompts, maxNewTokens: 4, endToken: 0, uniform, signal })).rejects.toThrow(
      /abort/i,
    );
  });
});

describe('step', () => {
  const batch = {
    batch: 2,
    length: 5,
    tokens: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    targets: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    weights: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    learningRate: 0.01,
  };

  it('lowers the loss', async () => {
    const model = await session();
    const first = await model.step(batch);
    let last = first;
    for (let i = 0; i < 15; i++) last = await model.step(batch);
    expect(first.step).toBe(1);
    expect(last.step).toBe(16);
    expect(last.loss).toBeLessThan(first.loss / 2);
  });

  it('raises the probability of what had an advantage and lowers the other', async () => {
    const model = await session();
    const before = await model.score(batch);
    const advantages = [...new Array<number>(5).fill(1), ...new Array<number>(5).fill(-1)];
    await model.step({ ...batch, policy: { advantages, oldLogprobs: before } });
    const after = await model.score(batch);
    const sum = (values: Float32Array) => values.reduce((a, b) => a + b, 0);
    expect(sum(after.subarray(0, 5))).toBeGreaterThan(sum(before.subarray(0, 5)));
    expect(sum(after.subarray(5))).toBeLessThan(sum(before.subarray(5)));
  });

  it('goes on from a restored snapshot with the same bits', async () => {
    const model = await session();
    await model.step(batch);
    const saved = await model.snapshot();
    await model.step(batch);
    const expected = await model.snapshot();

    const other = await session();
    await other.restore(saved);
    await other.step(batch);
    expect(await other.snapshot()).toEqual(expected);
  });

  it('after a failed step refuses to work until restored', async () => {
    let broken = false;
    const engine = createReferenceEngine({
      onNode: () => {
        if (broken) throw new Error('device lost');
      },
    });
    const model = await ModelSession.create({ engine, config, parameters });
    const saved = await model.snapshot();
    broken = true;
    await expect(model.step(batch)).rejects.toThrow(/device lost/);
    broken = false;
    await expect(model.step(batch)).rejects.toThrow(/restore/);
    await model.restore(saved);
    await expect(model.step(batch)).resolves.toMatchObject({ step: 1 });
  });

  it('takes turns with another session on the same engine', async () => {
    const inner = createReferenceEngine();
    let running = 0;
    let most = 0;
    const engine: Engine = {
      ...inner,
      async run(...call) {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        await inner.run(...call);
        running -= 1;
      },
    };
    const [one, two] = [
      await ModelSession.create({ engine, config, parameters }),
      await ModelSession.create({ engine, config, parameters }),
    ];
    const [a, b] = await Promise.all([one.step(batch), two.step(batch)]);
    expect(a).toEqual(b);
    expect(most).toBe(1);
  });

  it('keeps a bounded number of shapes in memory', async () => {
    const inner = createReferenceEngine();
    let live = 0;
    let most = 0;
    const engine: Engine = {
      ...inner,
      allocate(shape, dtype) {
        live += 1;
        most = Math.max(most, live);
        return inner.allocate(shape, dtype);
      },
      free(tensor) {
        live -= 1;
        inner.free(tensor);
      },
    };
    const model = await ModelSession.create({ engine, config, parameters });
    const state = live;
    const score = (length: number) =>
      model.score({ batch: 1, length, tokens: new Uint32Array(length), targets: new Uint32Array(length) });
    const first = await score(1);
    for (let length = 2; length <= 60; length++) await score(length);
    expect(most).toBeLessThanOrEqual(state + 4 * 25);
    expect(await score(1)).toEqual(first);
    await model.dispose();
    expect(live).toBe(0);
  });

  it('frees everything on dispose', async () => {
    const model = await session();
    await model.step(batch);
    await model.dispose();
    await expect(model.step(batch)).rejects.toThrow(/disposed/);
  });
});
