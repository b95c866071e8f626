import { describe, expect, it, test } from 'vitest';
import { JSON_LINES_LIMITS, questionIdentity, readQuestionLines } from './json-lines.ts';

const options = { id: 'mine', fields: { prompt: 'question', answer: 'answer' } };
const line = (question: unknown, answer: unknown, more = {}) => JSON.stringify({ question, answer, ...more });
const good = line('What is 1 + 1?', '2');

test('every line is a question, with or without a last line feed, a byte order mark and carriage returns', () => {
  const questions = [
    { line: 1, prompt: 'What is 1 + 1?', answer: '2' },
    { line: 2, prompt: 'Which?', answer: '{"a":[1]}' },
    { line: 3, prompt: 'How many?', answer: '3.5' },
  ];
  const lines = [good, line(' Which? ', { a: [1] }, { more: true }), line('How many?', 3.5)];
  expect(readQuestionLines(lines.join('\n'), options)).toEqual(questions);
  expect(readQuestionLines(`${lines.join('\r\n')}\r\n`, options)).toEqual(questions);
  const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode(lines.join('\n'))]);
  expect(readQuestionLines(marked, options)).toEqual(questions);
});

describe('a file is refused with the number of its first bad line and a remedy', () => {
  it.each([
    ['an empty line', `${good}\n\n${line('b', 'c')}`, 2, 'it is empty. Remove it.'],
    ['two empty last lines', `${good}\n\n`, 2, 'it is empty. Remove it.'],
    ['a line of spaces', `   \n${good}`, 1, 'it is empty. Remove it.'],
    [
      'a line of 1 MB',
      `${good}\n${line('x'.repeat(2 ** 20), '2')}`,
      2,
      'and 65536 are allowed. Shorten or remove it',
    ],
    [
      'a line that is no JSON',
      `${good}\n{"question": "a", "answer": `,
      2,
      'it is not JSON. Write one JSON object',
    ],
    ['a list', `["a", "b"]`, 1, 'it is not a JSON object'],
    [
      'a missing field',
      JSON.stringify({ prompt: 'a', answer: 'b' }),
      1,
      'it has no field question. Name the right field: this line has prompt, answer.',
    ],
    ['a field of the prototype', JSON.stringify({}), 1, 'this line has none.'],
    ['an empty question', line('  ', 'a'), 1, 'its field question is empty'],
    ['an empty answer', line('a', ''), 1, 'its field answer is empty'],
    ['a question that is no text', line(5, 'a'), 1, 'its field question is not text'],
    ['a long question', line('x'.repeat(8193), 'a'), 1, 'has 8193 characters, and 8192 are allowed'],
    ['a long answer', line('x', 'a'.repeat(8193)), 1, 'has 8193 characters, and 8192 are allowed'],
    [
      'a question twice',
      `${good}\n${line('b', 'c')}\n${good}`,
      3,
      'it asks the same question as line 1. Remove one of them.',
    ],
    [
      'a question in other letters and spaces',
      `${good}\n${line('what is  1 + 1? ', '2')}`,
      2,
      'the same question as line 1',
    ],
  ])('%s', (_, file, number, message) => {
    const read = () => readQuestionLines(file, options);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ name: 'DataSetError', line: number }));
    expect(read).toThrow(`Data set mine, line ${number}: `);
  });

  it('that is not UTF-8', () => {
    const bytes = new Uint8Array([...new TextEncoder().encode(`${good}\n"caf`), 0xe9, 0x22, 0x0a]);
    expect(() => readQuestionLines(bytes, options)).toThrow(
      'line 2: it is not text in UTF-8. Save the file as UTF-8.',
    );
  });

  it('that is empty or has too many lines', () => {
    expect(() => readQuestionLines('', options)).toThrow('it is empty. Choose another file.');
    const lines = Array.from(
      { length: JSON_LINES_LIMITS.lines + 1 },
      (_, at) => `{"question":"${at}","answer":1}`,
    );
    expect(() => readQuestionLines(lines.join('\n'), options)).toThrow('a file may have 200000 lines. Split');
  });
});

test('questions that differ only in spaces and in the case of ASCII letters have one identity', () => {
  expect(questionIdentity(' What\tis  THIS? ')).toBe('what is this?');
  expect(questionIdentity('Äpfel')).not.toBe(questionIdentity('äpfel'));
});
