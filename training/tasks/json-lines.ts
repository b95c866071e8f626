/** Questions and answers from a JSON Lines file (jsonlines.org) of unknown origin. */

/** Limits that keep a file of a stranger within a second of reading and a few times its size in memory. */
export const JSON_LINES_LIMITS = {
  lines: 200_000,
  /** Characters of one line. */
  line: 65_536,
  /** Characters of a question. */
  prompt: 8192,
  /** Characters of an answer, with its worked solution where it has one. */
  answer: 8192,
} as const;

/** A data set is missing, is another file than the named one, or has a line that cannot be used. */
export class DataSetError extends Error {
  override readonly name = 'DataSetError';
  /** From 1. Undefined when no single line is to blame. */
  readonly line: number | undefined;
  /** What is wrong and what to do, without the place. */
  readonly sentence: string;

  constructor(
    dataSet: string,
    problem: string,
    options: { readonly remedy: string; readonly line?: number },
  ) {
    const where = options.line === undefined ? '' : `, line ${options.line}`;
    super(`Data set ${dataSet}${where}: ${problem}. ${options.remedy}`);
    this.line = options.line;
    this.sentence = `${problem.charAt(0).toUpperCase()}${problem.slice(1)}. ${options.remedy}`;
  }
}

export interface QuestionLine {
  /** From 1. */
  readonly line: number;
  readonly prompt: string;
  /** Text as it stands. Any other JSON value as JSON. */
  readonly answer: string;
}

export interface ReadLinesOptions {
  /** The data set's id, for messages. */
  readonly id: string;
  readonly fields: { readonly prompt: string; readonly answer: string };
}

/** Reads every line or none. Throws DataSetError with the number of the first bad line and a remedy. */
export function readQuestionLines(
  file: Uint8Array | string,
  { id, fields }: ReadLinesOptions,
): readonly QuestionLine[] {
  const text = typeof file === 'string' ? file : decode(file, id);
  const questions: QuestionLine[] = [];
  const lineOfQuestion = new Map<string, number>();
  let start = 0;
  for (let line = 1; start < text.length; line++) {
    const fail = (problem: string, remedy: string) => new DataSetError(id, problem, { line, remedy });
    if (line > JSON_LINES_LIMITS.lines) {
      throw fail(`a file may have ${JSON_LINES_LIMITS.lines} lines`, 'Split the file.');
    }
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    if (stop - start > JSON_LINES_LIMITS.line) {
      throw fail(
        `it has ${stop - start} characters, and ${JSON_LINES_LIMITS.line} are allowed`,
        'Shorten or remove it, and write each question on a line of its own.',
      );
    }
    const content = text.slice(start, stop).trim();
    start = stop + 1;
    if (content === '') throw fail('it is empty', 'Remove it.');
    const row = rowOf(content, fail);
    const prompt = promptOf(row, fields.prompt, fail);
    const known = lineOfQuestion.get(questionIdentity(prompt));
    if (known !== undefined) throw fail(`it asks the same question as line ${known}`, 'Remove one of them.');
    lineOfQuestion.set(questionIdentity(prompt), line);
    questions.push({ line, prompt, answer: answerOf(row, fields.answer, fail) });
  }
  if (questions.length === 0) throw new DataSetError(id, 'it is empty', { remedy: 'Choose another file.' });
  return questions;
}

/** Equal for questions that differ only in spaces and in the case of ASCII letters. */
export function questionIdentity(prompt: string): string {
  return prompt
    .split(/[ \t\r\n]+/)
    .filter((word) => word !== '')
    .join(' ')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

type Fail = (problem: string, remedy: string) => DataSetError;
type Row = Readonly<Record<string, unknown>>;

function decode(file: Uint8Array, id: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    throw new DataSetError(id, 'it is not text in UTF-8', {
      line: firstBadLine(file),
      remedy: 'Save the file as UTF-8.',
    });
  }
}

/** The first line that is not UTF-8. A line break is never a part of another character in UTF-8. */
function firstBadLine(file: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let start = 0;
  for (let line = 1; ; line++) {
    const end = file.indexOf(0x0a, start);
    try {
      decoder.decode(file.subarray(start, end < 0 ? file.length : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
  }
}

function rowOf(content: string, fail: Fail): Row {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw fail(
      'it is not JSON',
      'Write one JSON object on each line, such as {"prompt": "…", "answer": "…"}.',
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail('it is not a JSON object', 'Write each line as {"prompt": "…", "answer": "…"}.');
  }
  return value as Row;
}

function fieldOf(row: Row, name: string, fail: Fail): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  const names = Object.keys(row).slice(0, 8).join(', ').slice(0, 200);
  throw fail(`it has no field ${name}`, `Name the right field: this line has ${names || 'none'}.`);
}

function promptOf(row: Row, name: string, fail: Fail): string {
  const prompt = fieldOf(row, name, fail);
  if (typeof prompt !== 'string') throw fail(`its field ${name} is not text`, 'Write the question as text.');
  if (prompt.trim() === '') throw fail(`its field ${name} is empty`, 'Write a question, or remove the line.');
  requireLength(prompt, name, JSON_LINES_LIMITS.prompt, fail);
  return prompt.trim();
}

function answerOf(row: Row, name: string, fail: Fail): string {
  const value = fieldOf(row, name, fail);
  const answer = typeof value === 'string' ? value : JSON.stringify(value);
  if (answer.trim() === '') throw fail(`its field ${name} is empty`, 'Write an answer, or remove the line.');
  requireLength(answer, name, JSON_LINES_LIMITS.answer, fail);
  return answer.trim();
}

function requireLength(text: string, name: string, most: number, fail: Fail): void {
  if (text.length > most) {
    throw fail(`its field ${name} has ${text.length} characters, and ${most} are allowed`, 'Shorten it.');
  }
}
