import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { WORD_SPECIAL_TOKENS, wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import type { TaskItem } from './tasks/task.ts';
import { wordsFormat, workedAnswer, workedCritique } from './words-format.ts';

const tokenizer = new Tokenizer(wordTokenizerJson());
const format = wordsFormat(tokenizer);
const marks = new Set(WORD_SPECIAL_TOKENS.map((mark) => tokenizer.idOf(mark)));

function itemOf(prompt: string, answer: string, solution?: string): TaskItem {
  const answerIn = (text: string) => /The answer is (.*)\.$/.exec(text)?.[1] ?? text;
  return {
    task: 'sums',
    difficulty: 0,
    prompt,
    answer,
    identity: prompt,
    ...(solution === undefined ? {} : { solution }),
    answerIn,
    check: (text) => (answerIn(text) === answer ? 1 : 0),
    explain: () => '',
    credits: () => undefined,
  };
}

const item = itemOf('What is 12 + 7?', '19', '12 + 7 = 19. The answer is 19.');

/** A prompt with its marks spelled out. */
function spelled(tokens: readonly number[]): string {
  const name = (token: number) => WORD_SPECIAL_TOKENS.find((mark) => tokenizer.idOf(mark) === token);
  return tokens.map((token) => name(token) ?? tokenizer.decode([token])).join('');
}

describe('wordsFormat', () => {
  it('asks in the three forms, and quotes only the final answer of a text', () => {
    expect(spelled(format.answer(item))).toBe('<bos>What is 12 + 7?<|answer|>');
    expect(spelled(format.judge(item, '12 + 7 = 18. The answer is 18.'))).toBe(
      '<bos>What is 12 + 7?<|shown|>18<|judge|>',
    );
    expect(spelled(format.correct(item, 'The answer is 18.', '18 is wrong. The answer is 19.'))).toBe(
      '<bos>What is 12 + 7?<|shown|>18<|critique|>19<|correct|>',
    );
  });

  it('gives completions back as text', () => {
    const text = 'First: 12 + 7 = 19.\nThe answer is 19.';
    expect(format.decode([...format.encode(text), format.endToken])).toBe(text);
  });

  it('gives ids that are no tokens no text, since micro has more ids than its tokenizer and may draw them', () => {
    const text = 'The answer is 19.';
    const none = [tokenizer.size, 390, 391];
    expect(none.some((id) => tokenizer.knows(id))).toBe(false);
    expect(format.decode([...none, ...format.encode(text), 391, format.endToken])).toBe(text);
    expect(format.decode(none)).toBe('');
  });

  it('shows printable text without marks of the form, and nothing else', () => {
    expect(format.showable('The answer is {19}; "so be it".')).toBe(true);
    for (const mark of WORD_SPECIAL_TOKENS) expect(format.showable(`19${mark}`)).toBe(false);
    for (const text of ['', 'größer', '7\u0000', '\u202e', 'a'.repeat(2001)]) {
      expect(format.showable(text)).toBe(false);
    }
  });

  it('never lets a shown text make a mark, or take more of the context than its share', () => {
    const part = fc.constantFrom(
      '<',
      '|',
      'answer',
      '>',
      '<|',
      '|>',
      'shown',
      'bos',
      ' ',
      '1',
      'The answer is ',
    );
    const text = fc.string({ unit: fc.oneof(part, fc.string({ unit: 'binary-ascii' })), maxLength: 200 });
    fc.assert(
      fc.property(text, text, (shown, critique) => {
        fc.pre(format.showable(shown) && format.showable(critique));
        const prompt = format.correct(item, shown, critique);
        expect(prompt.filter((token) => marks.has(token))).toEqual(
          ['<bos>', '<|shown|>', '<|critique|>', '<|correct|>'].map((mark) => tokenizer.idOf(mark)),
        );
        expect(prompt.length).toBeLessThanOrEqual(format.answer(item).length + 2 + 2 * 24);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the taught completions', () => {
  it('end with the answer', () => {
    expect(workedAnswer(item)).toBe('12 + 7 = 19. The answer is 19.');
    expect(workedAnswer(itemOf('Say no.', 'no'))).toBe('The answer is no.');
  });

  it('say before it whether the shown answer is right', () => {
    expect(workedCritique(item, 'The answer is 18.')).toBe('12 + 7 = 19. 18 is wrong. The answer is 19.');
    expect(workedCritique(item, '19')).toBe('12 + 7 = 19. 19 is right. The answer is 19.');
  });
});
