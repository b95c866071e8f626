import { expect, test } from 'vitest';
import { parseChecker, parseTaskSelection, TASK_SELECTION_LIMITS } from './task-selection.ts';

const generator = { id: 'sums', version: 1, difficulties: [0, 1] };
const dataSet = {
  id: 'my-questions',
  file: {
    path: 'questions.jsonl',
    size: 100,
    sha256: `0x${'ab'.repeat(32)}`,
    urls: ['https://example.org/q'],
  },
  fields: { prompt: 'question', answer: 'answer' },
  heldOutOneIn: 8,
  checker: { kind: 'exact', ignoreCase: true },
};
const selection = { generators: [generator], dataSets: [dataSet] };

test('a selection comes back from JSON without its extra fields', () => {
  expect(parseTaskSelection(JSON.parse(JSON.stringify({ ...selection, extra: 1 })))).toEqual(selection);
  expect(parseTaskSelection({ generators: [], dataSets: [dataSet] })).toEqual({
    generators: [],
    dataSets: [dataSet],
  });
});

test.each([
  ['no object', null, 'the whole must be an object'],
  ['a list', [], 'the whole must be an object'],
  ['no generators', { dataSets: [] }, 'generators must be a list'],
  ['too many generators', { generators: new Array(65).fill(generator), dataSets: [] }, 'of 0 to 64'],
  ['a name with spaces', { generators: [{ ...generator, id: 'my sums' }], dataSets: [] }, 'lower-case words'],
  ['a long name', { generators: [{ ...generator, id: 'a'.repeat(65) }], dataSets: [] }, '1 to 64 characters'],
  ['version 0', { generators: [{ ...generator, version: 0 }], dataSets: [] }, 'from 1 to 65535'],
  [
    'half a difficulty',
    { generators: [{ ...generator, difficulties: [0.5] }], dataSets: [] },
    'whole number',
  ],
  [
    'a difficulty twice',
    { generators: [{ ...generator, difficulties: [1, 1] }], dataSets: [] },
    'entry twice',
  ],
  ['one id for two', { generators: [generator], dataSets: [{ ...dataSet, id: 'sums' }] }, 'entry twice'],
  ['nine data sets', { generators: [], dataSets: new Array(9).fill(dataSet) }, 'of 0 to 8'],
])('refuses %s', (_, value, message) => {
  expect(() => parseTaskSelection(value)).toThrow(message);
});

test.each([
  ['a file of 65 MB', { file: { ...dataSet.file, size: TASK_SELECTION_LIMITS.fileBytes + 1 } }, 'the size'],
  ['an empty file', { file: { ...dataSet.file, size: 0 } }, 'the size'],
  ['a short digest', { file: { ...dataSet.file, sha256: '0xab' } }, '64 lower-case hex digits'],
  ['nine addresses', { file: { ...dataSet.file, urls: new Array(9).fill('https://a.org') } }, 'addresses'],
  ['a field without a name', { fields: { prompt: '', answer: 'a' } }, 'the prompt field'],
  ['no held-out share', { heldOutOneIn: 1 }, 'from 2 to 1000'],
  ['an unknown checker', { checker: { kind: 'script' } }, 'unknown kind'],
])('refuses a data set with %s', (_, changed, message) => {
  expect(() => parseTaskSelection({ generators: [], dataSets: [{ ...dataSet, ...changed }] })).toThrow(
    message,
  );
});

test('a checker has its own fields and no others', () => {
  expect(parseChecker({ kind: 'number', pattern: '.*' })).toEqual({ kind: 'number' });
  expect(parseChecker({ kind: 'set', separator: ', ' })).toEqual({ kind: 'set', separator: ', ' });
  expect(parseChecker({ kind: 'choice', choices: ['yes', 'no'] })).toEqual({
    kind: 'choice',
    choices: ['yes', 'no'],
  });
  expect(() => parseChecker({ kind: 'exact' })).toThrow('ignoreCase');
  expect(() => parseChecker({ kind: 'choice', choices: ['yes'] })).toThrow('list of 2 to 64');
  expect(() => parseChecker({ kind: 'choice', choices: ['yes', 'yes'] })).toThrow('one entry twice');
  expect(() => parseChecker({ kind: 'set', separator: '' })).toThrow('separator');
});
