import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ExtractionRule,
  extractAnswer,
  JSON_RULES,
  MAX_EXTRACTION_LENGTH,
  NUMBER_RULES,
  WORD_RULES,
} from './answer-extraction.ts';
import { numberAnswer } from './checkers.ts';
import { lastNumber } from './number-text.ts';

/** What a person means by a model's text when a number was asked for. */
const NUMBERS: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['nothing else', '42', '42'],
  ['an empty text', '', ''],
  ['spaces and line feeds only', ' \n\n\t ', ''],
  ['words only', 'I do not know, sorry.', ''],
  ['a sentence at the end', 'She sells 9 eggs and gets 2 dollars each. The answer is 18.', '18'],
  ['a sentence without a full stop', 'So 9 * 2 = 18. The answer is 18', '18'],
  ['a sentence, then an afterthought', 'The answer is 18. Let me know if you need 3 more examples!', '18'],
  ['two sentences, the second one corrects', 'The answer is 17. Wait, I forgot one. The answer is 18.', '18'],
  ['capital letters', 'THE ANSWER IS 18.', '18'],
  ['a colon and Markdown bold', '**Answer:** 18', '18'],
  ['bold around the whole', 'Adding up gives\n\n**The final answer is: 18**', '18'],
  ['bold around the number', 'The answer is **18**.', '18'],
  ['bold mark behind the word', '**Answer**: 18 dollars', '18'],
  ['an equals sign', 'Answer = 18', '18'],
  ['GSM8K’s mark', '16 - 3 - 4 = 9\n9 * 2 = 18\n#### 18', '18'],
  ['GSM8K’s mark without a space', 'So it is 18.\n####18', '18'],
  ['GSM8K’s mark twice', '#### 17\nThat was wrong.\n#### 18', '18'],
  ['GSM8K’s mark, then another example', '#### 18\n\nQuestion: Tom has 5 pens and 7 books.', '18'],
  ['Markdown headings of four marks', '#### Step 1\n3 + 4 = 7\n#### Final: 18', '18'],
  ['LaTeX’s box', 'We get $\\boxed{18}$ in total over 2 days.', '18'],
  ['a box with text inside', '\\boxed{18 \\text{ dollars}}', '18'],
  ['a box with a nested brace', '\\boxed{\\frac{3}{4}}', '0.75'],
  ['a box that is cut off', 'Thus the result is \\boxed{18', '18'],
  ['two boxes', '\\boxed{9} eggs are left, so she makes \\boxed{18}.', '18'],
  ['LaTeX around the number', 'The answer is \\(18\\).', '18'],
  ['answer tags', '<think>16 - 7 = 9</think>\n<answer>18</answer>', '18'],
  ['answer tags with words', '<answer>She makes 18 dollars.</answer>', '18'],
  ['answer tags in capitals', '<ANSWER> 18 </ANSWER>', '18'],
  ['answer tags that never close', '<think>9 * 2</think><answer>18', '18'],
  ['answer tags with a wrong closing one', '<answer>18<answer/>', '18'],
  ['answer tags twice', '<answer>17</answer> no: <answer>18</answer>', '18'],
  ['an equation in the tags', '<answer>9 * 2 = 18</answer>', '18'],
  ['a closing tag only', '9 * 2 = 18</answer>', '18'],
  ['an empty pair of tags, then a sentence', '<answer></answer> The answer is 18.', '18'],
  ['thoughts that are cut off', '<think>First 16 - 3 = 13, then 13 - 4 = 9, and', ''],
  ['an answer inside of thoughts', '<think>The answer is 17.</think> It is 18.', '18'],
  ['thoughts that say the tag’s name', '<think>I close with </think> now. 9 * 2 = 17</think> 18', '18'],
  ['thoughts closed without opening', 'so 16 - 7 = 9, times 2 is 18\n</think>\n\n18', '18'],
  ['thoughts after the answer', '18 <think>or is it 17', '18'],
  ['an empty answer after thoughts', '<think>It is 18.</think>', ''],
  ['a dollar sign', 'The answer is $18.', '18'],
  ['a dollar sign and cents', 'In total: $18.50', '18.5'],
  ['a thousands separator', 'The answer is 70,000.', '70000'],
  ['two thousands separators', '#### 1,234,567', '1234567'],
  ['LaTeX’s thousands separator', '$\\boxed{1{,}234}$', '1234'],
  ['a narrow space as thousands separator', 'The answer is 12\u202f500 km.', '12500'],
  ['a list with commas', 'They are 3, 5, 8', '8'],
  ['groups that are no thousands', 'Pairs: 12,34', '34'],
  ['a percent sign', 'The answer is 25%.', '25'],
  ['a unit', 'The answer is 18 km/h.', '18'],
  ['a unit right behind', 'It weighs 18kg', '18'],
  ['a negative number', 'The answer is -7.', '-7'],
  ['a Unicode minus', 'The answer is −7.', '-7'],
  ['a minus as operator', '20 - 2', '2'],
  ['a hyphenated word', 'a box of size-18', '18'],
  ['negative dollars', 'The change is -$5', '-5'],
  ['a decimal number', 'The answer is 3.50.', '3.5'],
  ['a fraction', 'The answer is 3/4.', '0.75'],
  ['a fraction that does not end', 'The answer is 4/6.', '2/3'],
  ['a fraction with zero below', 'That would be 4/0', ''],
  ['leading zeros', 'The answer is 007.', '7'],
  ['Arabic-Indic digits', 'الجواب هو ١٨', '18'],
  ['Devanagari digits', 'उत्तर: १८', '18'],
  ['full-width digits', '答えは１８です', '18'],
  ['a full stop of Chinese', '答案是 18。', '18'],
  ['a number in a word is none', 'The code name is B12', ''],
  ['a code block', '```python\nprint(9 * 2)\n```\nThe output is `18`', '18'],
  ['a table', '| day | eggs |\n| --- | --- |\n| 1 | 9 |\n| total | 18 |', '18'],
  ['the same answer again and again', 'The answer is 18. '.repeat(200), '18'],
  [
    '1,000 tokens of reasoning',
    `${'so we add one more and have some '.repeat(140)}\nThe answer is 18.`,
    '18',
  ],
  ['a sentence that breaks off', 'The answer is', ''],
  ['a sentence that breaks off after steps', '9 * 2 = 18. The answer is', '18'],
  ['an emoji', 'The answer is 18 🎉', '18'],
  ['quotation marks', 'The answer is “18”.', '18'],
  ['too many digits', `The answer is ${'9'.repeat(101)}.`, ''],
];

const WORDS: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['a word', 'elbat', 'elbat'],
  ['a sentence', 't a b l e. e l b a t. The answer is elbat.', 'elbat'],
  ['a list', 'The answer is 3 5 8.', '3 5 8'],
  ['a time', 'The answer is 10:15.', '10:15'],
  ['several lines', 'First I reverse it.\nThen I check it.\n\n**elbat**\n', 'elbat'],
  ['several lines and a closing fence', '```\nelbat\n```', 'elbat'],
  ['quotation marks', 'The correct answer is "elbat".', 'elbat'],
  ['a full stop within', 'The answer is Mr. Smith.', 'Mr'],
  ['a decimal point within', 'The answer is 3.5 apples. Yes.', '3.5 apples'],
  ['an option', 'The answer is (B).', '(B)'],
  ['tags over two lines', '<answer>\ncat\ncot\n</answer>', 'cat cot'],
  ['a colon and a line feed', 'Answer:\nelbat', 'elbat'],
  ['no mark at all, but words', 'I think it could be elbat', 'I think it could be elbat'],
];

const JSONS: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['plain', '{"a": 1}', '{"a": 1}'],
  ['a fenced block', 'Here it is:\n```json\n{"a": 1}\n```\nDone.', '{"a": 1}'],
  ['a fence without a language', '```\n[1, 2]\n```', '[1, 2]'],
  ['an unclosed fence', '```json\n{"a": 1}', '```json\n{"a": 1}'],
  ['tags', '<answer>[1, 2]</answer>', '[1, 2]'],
  ['thoughts before', '<think>[0]</think>[1, 2]', '[1, 2]'],
];

describe('the answer in a text', () => {
  it.each(NUMBERS)('is this number: %s', (_, text, expected) => {
    expect(numberAnswer('1').extract(text)).toBe(expected);
  });

  it.each(WORDS)('is these words: %s', (_, text, expected) => {
    expect(extractAnswer(text, WORD_RULES)).toBe(expected);
  });

  it.each(JSONS)('is this JSON: %s', (_, text, expected) => {
    expect(extractAnswer(text, JSON_RULES)).toBe(expected);
  });

  it('is looked for at the end of an overlong text', () => {
    const text = `The answer is 1. ${' '.repeat(MAX_EXTRACTION_LENGTH)}2`;
    expect(extractAnswer(text, NUMBER_RULES)).toBe('2');
  });
});

const RULES: readonly ExtractionRule[] = [...NUMBER_RULES, ...WORD_RULES, ...JSON_RULES];

/** Pieces that rules look for, and what might confuse them. */
const piece = fc.constantFrom(
  ...['<think>', '</think>', '<answer>', '</answer>', '####', '\\boxed{', '{', '}', 'answer is ', 'answer:'],
  ...['```', '\n', ' ', '.', ',', '-', '/', '$', '1', '23', '456', '٣', 'x', '**', '\\frac{1}{2}', '"', '['],
);

describe('any text', () => {
  it('has an answer that is a part of it or a number, and the answer of the answer is itself', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('');
        for (const rule of RULES) {
          const answer = extractAnswer(text, [rule]);
          expect(answer.length).toBeLessThanOrEqual(text.length + 400);
          expect(answer).toBe(answer.trim());
        }
        const number = numberAnswer('1').extract(text);
        expect(lastNumber(number)?.text ?? '').toBe(number);
      }),
      { numRuns: 500 },
    );
  });

  it('is read by every rule in a number of steps that grows with its length only', () => {
    // Each would take hours by a rule that begins again at every character.
    for (const part of [
      '<answer>',
      '\\boxed{',
      '1',
      '1,',
      '1,111',
      '-',
      '####',
      'answer is ',
      '\n',
      '```',
      '{',
      '*',
      '<think>',
      '1/',
      '\\frac{1',
    ]) {
      const text = part.repeat(Math.ceil(MAX_EXTRACTION_LENGTH / part.length));
      expect(() => RULES.map((rule) => extractAnswer(text, [rule]))).not.toThrow();
    }
  });
});
