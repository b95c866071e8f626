import { expect, it } from 'vitest';
import { checkPatterns } from './pattern-check.ts';
import { byteLevelJson } from './testing/small-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';
import { TokenizerError } from './tokenizer-error.ts';

const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });

it.each([
  '(a+)+$',
  '(a|a)*b',
  '(?:a*)*',
  'a*a*a*b',
  '\\s+\\s+$',
  '[\\s\\S]*x',
  '(.)\\1',
  '(?<=a+)b',
  'a{0,9}a{0,9}a{0,9}b',
  'a{1,}b',
  'a{100000}',
  'a'.repeat(5000),
])('refuses the expression %j wherever it stands, before it runs', (regex) => {
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder']) {
    const replace = { type: 'Replace', pattern: { Regex: regex }, content: ' ' };
    const step = part === 'pre_tokenizer' ? split(regex) : replace;
    for (const value of [step, { type: 'Sequence', normalizers: [step], pretokenizers: [step] }]) {
      expect(() => new Tokenizer(byteLevelJson({ [part]: value }))).toThrow(TokenizerError);
      expect(() => checkPatterns({ [part]: value })).toThrow(/regular expression/);
    }
  }
});

it.each([
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  '\\p{N}{1,3}',
  '\\s?\\p{L}+',
  '[\\r\\n]',
  ' {2,}',
  '[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+',
  '\\d',
])('takes the published or linear expression %j', (regex) => {
  const tokenizer = new Tokenizer(
    byteLevelJson({
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [split(regex), { type: 'ByteLevel', add_prefix_space: false, use_regex: false }],
      },
    }),
  );
  const text = "a cat's 12345  x\n\n y 字字";
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
});

it('refuses normalisers that lengthen a text without end, and endless nesting', () => {
  const twice = { type: 'Replace', pattern: { String: 'a' }, content: 'aa' };
  const normalizer = { type: 'Sequence', normalizers: new Array<object>(30).fill(twice) };
  expect(() => new Tokenizer(byteLevelJson({ normalizer }))).toThrow(/too long/);
  let deep: object = twice;
  for (let i = 0; i < 100; i++) deep = { type: 'Sequence', normalizers: [deep] };
  expect(() => new Tokenizer(byteLevelJson({ normalizer: deep }))).toThrow(/nested too deeply/);
});

it.each([
  undefined,
  {},
  null,
  'a',
  { STRING: 'a' },
  { Regex: ['(a+)+$'] },
  { String: 5 },
  { Regex: 5, String: 'a' },
])('refuses the pattern %j, which the package would pass over', (pattern) => {
  const replace = { type: 'Replace', pattern, content: ' ' };
  expect(() => checkPatterns({ normalizer: replace })).toThrow(/unknown pattern/);
  expect(() => checkPatterns({ normalizer: { ...replace, pattern: { String: 'a' } } })).not.toThrow();
});
