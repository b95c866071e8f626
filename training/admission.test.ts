import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import { must } from '../protocol/must.ts';
import type { AnswerGroup, Completion } from '../protocol/trainer.ts';
import { type AdmissionRules, admit, type SampleRejectReason } from './admission.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { shortFormat } from './short-format.ts';
import { openTasks } from './tasks/task-source.ts';
import { wordsFormat } from './words-format.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());
const items = tasks.roundItems(new Uint8Array(32).fill(3), 8);
const rules: AdmissionRules = {
  items,
  drawn: items.map((_, index) => index),
  reward: 'exact',
  completionsPerItem: 8,
  models: 'one',
  context: 64,
};

function honest(text: string): Completion {
  const tokens = [...format.encode(text), format.endToken];
  return { text, tokens, logprobs: tokens.map(() => -0.5) };
}

function reasons(groups: readonly AnswerGroup[]): readonly SampleRejectReason[] {
  return admit(groups, format, rules).rejections.map(({ reason }) => reason);
}

describe('admit', () => {
  it('admits an honest completion and computes its reward itself', () => {
    const right = items[2]?.answer ?? '';
    const { samples, rejections } = admit(
      [{ item: 2, completions: [honest(right), honest(`${right}0`)] }],
      format,
      rules,
    );
    expect(rejections).toEqual([]);
    expect(samples.map(({ reward }) => reward)).toEqual([1, 0]);
    const [, ...prompt] = samples[0]?.prompt ?? [];
    expect(format.decode(prompt)).toBe(`${items[2]?.prompt}=`);
  });

  it('admits a completion that was cut off before its end token', () => {
    const tokens = format.encode('123456789');
    const cut = { text: '123456789', tokens, logprobs: tokens.map(() => -1) };
    expect(reasons([{ item: 0, completions: [cut] }])).toEqual([]);
  });

  const good = honest('12');
  it.each<[string, Completion, SampleRejectReason]>([
    ['no tokens', { text: '', tokens: [], logprobs: [] }, 'too long'],
    ['too many tokens', honest('1234567890'), 'too long'],
    ['a long text', { ...good, text: '1'.repeat(100_000) }, 'too long'],
    ['tokens of another text', { ...good, tokens: honest('13').tokens }, 'tokens are not those of the text'],
    ['a text of another length', { ...good, text: '123' }, 'tokens are not those of the text'],
    ['an unknown character', { ...good, text: '1Ω' }, 'tokens are not those of the text'],
    ['a spelt special token', { ...good, text: '<end>' }, 'tokens are not those of the text'],
    ['an id out of the vocabulary', { ...good, tokens: [3, 9999, 2] }, 'tokens are not those of the text'],
    ['a negative id', { ...good, tokens: [-1, 4, 2] }, 'tokens are not those of the text'],
    ['an id that is no number', { ...good, tokens: [Number.NaN, 4, 2] }, 'tokens are not those of the text'],
    ['too few log-probabilities', { ...good, logprobs: [-1] }, 'log-probabilities do not fit the tokens'],
    [
      'too many log-probabilities',
      { ...good, logprobs: [-1, -1, -1, -1] },
      'log-probabilities do not fit the tokens',
    ],
    ['NaN', { ...good, logprobs: [-1, Number.NaN, -1] }, 'log-probability out of range'],
    [
      'minus infinity',
      { ...good, logprobs: [-1, Number.NEGATIVE_INFINITY, -1] },
      'log-probability out of range',
    ],
    ['a probability above 1', { ...good, logprobs: [-1, 3, -1] }, 'log-probability out of range'],
    [
      'a probability too low to have been drawn',
      { ...good, logprobs: [-1, -50, -1] },
      'log-probability out of range',
    ],
    ['minus zero', { ...good, logprobs: [-1, -0, -1] }, 'log-probability out of range'],
    ['more digits than f32 has', { ...good, logprobs: [-1, -0.1, -1] }, 'log-probability out of range'],
  ])('rejects %s and keeps the neighbour', (_, bad, reason) => {
    const { samples, rejections } = admit([{ item: 0, completions: [bad, good] }], format, rules);
    expect(rejections).toEqual([{ item: 0, sample: 0, reason }]);
    expect(samples.length).toBe(1);
  });

  it('rejects unknown and repeated items and surplus completions', () => {
    for (const item of [8, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(reasons([{ item, completions: [good] }])).toEqual(['unknown item']);
    }
    expect(
      reasons([
        { item: 1, completions: [good] },
        { item: 1, completions: [good] },
      ]),
    ).toEqual(['item repeated']);
    const crowd = admit([{ item: 0, completions: new Array(1000).fill(good) }], format, rules);
    expect(crowd.samples.length).toBe(8);
    expect(crowd.rejections.map(({ reason }) => reason)).toEqual(['too many completions']);
  });

  it('rejects answers to items that the author did not draw, so that nobody chooses easy items', () => {
    const right = (item: number) => ({ item, completions: [honest(items[item]?.answer ?? '')] });
    const { samples, rejections } = admit([right(1), right(2)], format, { ...rules, drawn: [2, 5] });
    expect(samples.map(({ item }) => item)).toEqual([2]);
    expect(rejections).toEqual([{ item: 1, sample: 0, reason: 'item not drawn by the author' }]);
  });

  it('rewards only the whole answer, unless places count by the settings', () => {
    const [sorting = 1] = items.flatMap(({ task }, index) => (task === 'sorting' ? [index] : []));
    const near = `${items[sorting]?.answer.slice(0, -1)}x`;
    const groups = [{ item: sorting, completions: [honest(near)] }];
    const [exact] = admit(groups, format, rules).samples;
    expect([exact?.reward, exact?.credits]).toEqual([0, undefined]);
    const [byPlace] = admit(groups, format, { ...rules, reward: 'by place' }).samples;
    expect(byPlace?.reward).toBeGreaterThan(0.3);
    expect(byPlace?.credits?.length).toBe(near.length + 1);
  });

  describe('with models of any family', () => {
    const any: AdmissionRules = { ...rules, models: 'any' };
    const answer = items[2]?.answer ?? '';
    /** As a model with one token for the whole text publishes it. */
    const elsewhere = (text: string): Completion => ({ text, tokens: [4321, 7], logprobs: [-3, -1] });
    const admitted = (completion: Completion, rest = any) =>
      admit([{ item: 2, completions: [completion] }], format, rest);

    it("puts another model's text into the own tokens, without the author's log-probabilities", () => {
      const { samples, rejections } = admitted(elsewhere(answer));
      expect(rejections).toEqual([]);
      expect(samples).toHaveLength(1);
      expect(samples[0]).toMatchObject({ tokens: honest(answer).tokens, logprobs: undefined, reward: 1 });
      expect(reasons([{ item: 2, completions: [elsewhere(answer)] }])).toEqual([
        'tokens are not those of the text',
      ]);
    });

    it("takes tokens and log-probabilities of the own tokenizer as an author's claim, as among one model", () => {
      expect(admitted(honest(answer))).toEqual(admitted(honest(answer), rules));
    });

    it.each<[string, Completion, SampleRejectReason]>([
      ['too long for this model', elsewhere('123456789'), 'too long'],
      ['long as a book', elsewhere('1'.repeat(100_000)), 'too long'],
      ['of characters that it lacks', elsewhere('1Ω'), 'text that this model cannot spell'],
      ['that spells a special token', elsewhere('<end>'), 'text that this model cannot spell'],
      ['without tokens', { text: '', tokens: [], logprobs: [] }, 'too long'],
    ])('rejects a text %s', (_, completion, reason) => {
      expect(admitted(completion).rejections.map((each) => each.reason)).toEqual([reason]);
    });

    it('rejects answers to a question whose prompt and answer do not fit the context', () => {
      const prompt = format.answer(must(items, 2)).length;
      const room = { ...any, context: prompt + format.maxTokens.answer };
      expect(admitted(elsewhere(answer), room).rejections).toEqual([]);
      const less = admitted(elsewhere(answer), { ...room, context: room.context - 1 });
      expect(less.rejections.map(({ reason }) => reason)).toEqual(['question does not fit this model']);
    });
  });

  it('admits another spelling of the same text, as sampling may give it, but no hidden special token', () => {
    // Two tokens that encoding would never choose for the text that they spell.
    const pairs = {
      ...format,
      encode: (text: string) => (text === 'ab' ? [10] : format.encode(text)),
      decode: (tokens: readonly number[]) =>
        tokens.map((id) => (id === 10 ? 'ab' : format.decode([id]))).join(''),
    };
    const spelt = [...format.encode('a'), ...format.encode('b')];
    const [pad = 0] = [0, 1, 2].filter((id) => format.decode([id]) === '' && id !== format.endToken);
    const completion = (tokens: readonly number[]): Completion => ({
      text: 'ab',
      tokens: [...tokens, format.endToken],
      logprobs: [...tokens, 0].map(() => -1),
    });
    const verdicts = [spelt, [10], [pad, ...spelt], [10, format.endToken]].map((tokens) =>
      admit([{ item: 0, completions: [completion(tokens)] }], pairs, rules).rejections.map(
        (each) => each.reason,
      ),
    );
    const refused = ['tokens are not those of the text'];
    expect(verdicts).toEqual([[], [], refused, refused]);
  });

  it('refuses ids that are no tokens, though they have no text', () => {
    const words = new Tokenizer(wordTokenizerJson());
    const own = wordsFormat(words);
    const text = 'The answer is 1.';
    const tokens = own.encode(text);
    const said = (drawn: readonly number[]) => {
      const completion = { text, tokens: [...drawn, own.endToken], logprobs: [...drawn, 0].map(() => -1) };
      return admit([{ item: 0, completions: [completion] }], own, { ...rules, context: 256 }).rejections.map(
        (each) => each.reason,
      );
    };
    expect(said(tokens)).toEqual([]);
    expect(said([390, ...tokens])).toEqual(['tokens are not those of the text']);
  });

  it('gives no credit by place to tokens that are not characters', () => {
    const [sorting = 1] = items.flatMap(({ task }, index) => (task === 'sorting' ? [index] : []));
    const text = items[sorting]?.answer ?? '';
    const words = { ...format, encode: () => [10], decode: () => text };
    const completion = { text, tokens: [10, format.endToken], logprobs: [-1, -1] };
    const byPlace: AdmissionRules = { ...rules, reward: 'by place' };
    const [sample] = admit([{ item: sorting, completions: [completion] }], words, byPlace).samples;
    expect([sample?.reward, sample?.credits]).toEqual([1, undefined]);
  });

  it('admits only consistent samples, whatever a peer publishes', () => {
    const completion = fc.record({
      text: fc.string({ maxLength: 12 }),
      tokens: fc.array(fc.oneof(fc.integer({ min: -2, max: 70 }), fc.double()), { maxLength: 12 }),
      logprobs: fc.array(fc.double(), { maxLength: 12 }),
    });
    const group = fc.record({
      item: fc.oneof(fc.integer({ min: -1, max: 9 }), fc.double()),
      completions: fc.array(completion, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(group, { maxLength: 12 }), (groups) => {
        for (const sample of admit(groups, format, rules).samples) {
          expect(sample.logprobs?.length).toBe(sample.tokens.length);
          for (const value of sample.logprobs ?? []) expect(Math.abs(value)).toBeLessThanOrEqual(20);
          for (const token of sample.tokens) expect(token >= 0 && token < 64).toBe(true);
        }
      }),
    );
  });
});
