import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Checker } from '../../protocol/swarm-spec.ts';
import { canonicalJson } from './canonical-json.ts';
import { openChecker } from './checkers.ts';
import { lastNumber } from './number-text.ts';

/** Whether a model's text is right. */
async function checks(checker: Checker, expected: string, text: string): Promise<boolean> {
  const { accepts, extract } = (await openChecker(checker))(expected);
  return accepts(extract(text));
}

describe('exact', () => {
  const strict: Checker = { kind: 'exact', ignoreCase: false };
  it.each([
    ['Paris', 'The answer is Paris.', true],
    ['Paris.', 'Paris', true],
    ['Paris', 'paris', false],
    ['New  York', '**New York**', true],
    ['Paris', 'Paris, France', false],
    ['Paris', '', false],
  ])('%s, asked for %s', async (expected, text, right) => {
    expect(await checks(strict, expected, text)).toBe(right);
    expect(await checks({ kind: 'exact', ignoreCase: true }, expected, text.toUpperCase())).toBe(
      right || text === 'paris',
    );
  });

  it('refuses an answer of marks only', async () => {
    const expect_ = await openChecker(strict);
    expect(() => expect_('**')).toThrow('no letter or digit. Write an answer.');
  });
});

describe('number', () => {
  it.each([
    ['18', '$18.00', true],
    ['0.5', '1/2', true],
    ['1/3', '0.3333333333333333333333', false],
    ['1,234', '1234', true],
    ['9007199254740993', '9007199254740992', false],
    ['-0', '0', true],
    ['18', 'eighteen', false],
  ])('%s, given %s', async (expected, text, right) => {
    expect(await checks({ kind: 'number' }, expected, text)).toBe(right);
  });

  it('compares any two fractions exactly', () => {
    const part = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    const below = fc.bigInt({ min: 1n, max: 10n ** 30n });
    fc.assert(
      fc.property(part, below, below, (top, bottom, factor) => {
        const number = lastNumber(`${top}/${bottom}`);
        expect(number && number.numerator * bottom === top * number.denominator).toBe(true);
        expect(lastNumber(`is ${top * factor}/${bottom * factor}.`)?.text).toBe(number?.text);
        expect(lastNumber(number?.text ?? '')?.text).toBe(number?.text);
      }),
    );
  });

  it('refuses an answer without a number', async () => {
    const expect_ = await openChecker({ kind: 'number' });
    expect(() => expect_('none')).toThrow('not a number. Write a number, or choose another checker.');
  });
});

describe('choice', () => {
  const letters: Checker = { kind: 'choice', choices: ['A', 'B', 'C', 'D'] };
  const words: Checker = { kind: 'choice', choices: ['yes', 'no', 'not known'] };
  it.each([
    [letters, 'B', 'The answer is B.', true],
    [letters, 'B', '(B)', true],
    [letters, 'B', 'b', true],
    [letters, 'B', 'B) Paris', true],
    [letters, 'B', 'B: a city', true],
    [letters, 'B', 'The answer is (B) Paris.', true],
    [letters, 'B', '\\boxed{\\text{B}}', true],
    [letters, 'B', 'I choose option B', true],
    [letters, 'A', 'It is a city', false],
    [letters, 'B', 'Either A or B', false],
    [letters, 'B', 'C', false],
    [letters, 'B', '', false],
    [words, 'no', 'No.', true],
    [words, 'no', 'No, it does not.', true],
    [words, 'no', 'nothing', false],
    [words, 'not known', 'The answer is not known.', true],
    [words, 'yes', '**Yes**', true],
  ])('%j %s, given %s', async (checker, expected, text, right) => {
    expect(await checks(checker, expected, text)).toBe(right);
  });

  it('refuses an answer that is no choice', async () => {
    const expect_ = await openChecker(letters);
    expect(() => expect_('E')).toThrow('none of the choices A, B, C, D. Write one of them');
  });
});

test.each([
  [',', 'red, blue', 'The answer is blue, red.', true],
  [',', 'red, blue', '{blue,red}', true],
  [',', 'red, blue', 'blue, red, red', true],
  [',', 'red, blue', 'red', false],
  [',', 'red, blue', 'red, blue, green', false],
  [' ', '3 5', '5 3', true],
  [';', 'a b; c', '**c; a b**', true],
  [',', 'red', '', false],
])('a set separated by "%s": %s, given %s', async (separator, expected, text, right) => {
  expect(await checks({ kind: 'set', separator }, expected, text)).toBe(right);
});

test.each([
  ['{"a": 1, "b": [1, 2]}', '```json\n{"b":[1,2],"a":1.0}\n```', true],
  ['{"a": 1}', '{"a": 1, "b": 2}', false],
  ['[1, 2]', '[2, 1]', false],
  ['"x"', '<answer>"x"</answer>', true],
  ['0', '-0', true],
  ['{"a": 1}', '{"a": 1', false],
  ['null', '', false],
])('JSON: %s, given %s', async (expected, text, right) => {
  expect(await checks({ kind: 'json' }, expected, text)).toBe(right);
});

test('JSON is equal to itself in any order of keys, and is refused when it is too deep', async () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const turned = JSON.stringify(value, (_, each) =>
        typeof each === 'object' && each !== null && !Array.isArray(each)
          ? Object.fromEntries(Object.entries(each).reverse())
          : each,
      );
      expect(canonicalJson(turned)).toBe(canonicalJson(JSON.stringify(value)));
    }),
  );
  const expect_ = await openChecker({ kind: 'json' });
  expect(() => expect_(`${'['.repeat(66)}${']'.repeat(66)}`)).toThrow('at most 64 levels');
  expect(() => expect_('{')).toThrow('not JSON');
});

describe('pattern', () => {
  const pattern: Checker = { kind: 'pattern' };
  it.each([
    ['[a-z]+[0-9]', 'The answer is abc1.', true],
    ['[a-z]+[0-9]', 'abc', false],
    ['b', 'abc', false],
    ['(?i)yes|yeah', 'YEAH', true],
    ['(a+)+b', 'a'.repeat(1000), false],
    ['(a|a)*c', 'a'.repeat(1024), false],
    ['a*', 'a'.repeat(1024), true],
    ['a*', 'a'.repeat(1025), false],
  ])('%s, given %s', async (expected, text, right) => {
    expect(await checks(pattern, expected, text)).toBe(right);
  });

  it.each([
    ['(a)\\1', 'cannot be used'],
    ['a(?=b)', 'cannot be used'],
    ['(?<!a)b', 'cannot be used'],
    ['(', 'cannot be used'],
    ['(a{1000}){1000}', 'cannot be used'],
    ['.{1000}.{1000}', 'unfolds to 2002 instructions, and 1000 are allowed'],
    ['a'.repeat(513), 'has 513 characters, and 512 are allowed. Shorten it.'],
  ])('refuses %s with a sentence', async (expected, message) => {
    const expect_ = await openChecker(pattern);
    expect(() => expect_(expected)).toThrow(message);
    expect(() => expect_(expected)).toThrow(expect.objectContaining({ name: 'CheckerError' }));
  });
});

test('an explanation names the right answer and quotes little of the wrong one', async () => {
  const expected = (await openChecker({ kind: 'exact', ignoreCase: true }))('Paris');
  expect(expected.explain('Rome')).toBe('The right answer is Paris, not Rome.');
  expect(expected.explain('')).toBe('The text gives no answer. The right one is Paris.');
  expect(expected.explain('x'.repeat(9999)).length).toBeLessThan(200);
});
