/** Reads a swarm's choice of tasks from data of unknown origin: a specification or a checkpoint. */
import type { Hex } from './hex.ts';
import type { Checker, DataSetEntry, GeneratorEntry, SourceFile, TaskSelection } from './swarm-spec.ts';

/** Limits of a selection of tasks, whoever wrote it. */
export const TASK_SELECTION_LIMITS = {
  generators: 64,
  dataSets: 8,
  /** Characters of a task's or a data set's id. */
  id: 64,
  version: 65_535,
  /** Difficulties of one task. */
  difficulties: 16,
  difficulty: 63,
  /** Bytes of a data set's file. */
  fileBytes: 64 * 2 ** 20,
  /** Characters of a file's path. */
  path: 256,
  urls: 8,
  /** Characters of an address. */
  url: 2048,
  /** Characters of a field's name. */
  field: 64,
  heldOutOneIn: [2, 1000],
  choices: [2, 64],
  /** Characters of one choice. */
  choice: 200,
  /** Characters of a set's separator. */
  separator: 8,
} as const;

const LIMITS = TASK_SELECTION_LIMITS;

/** A selection of tasks has a field that is missing, of another kind or out of bounds. */
export class TaskSelectionError extends Error {
  override readonly name = 'TaskSelectionError';

  constructor(problem: string, remedy = 'ask who wrote it for another one') {
    super(`The selection of tasks is not usable: ${problem}. To go on, ${remedy}.`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TaskSelectionError(`${what} must be an object`);
  }
  return value as Fields;
}

function listOf(value: unknown, what: string, [least, most]: readonly [number, number]): readonly unknown[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    throw new TaskSelectionError(`${what} must be a list of ${least} to ${most}`);
  }
  return value;
}

function textOf(value: unknown, what: string, most: number): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > most) {
    throw new TaskSelectionError(`${what} must be a text of 1 to ${most} characters`);
  }
  return value;
}

function integerOf(value: unknown, what: string, [least, most]: readonly [number, number]): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new TaskSelectionError(`${what} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

const ID = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

function idOf(value: unknown, what: string): string {
  const id = textOf(value, what, LIMITS.id);
  if (!ID.test(id)) throw new TaskSelectionError(`${what} must be lower-case words, digits and hyphens`);
  return id;
}

function requireDistinct(values: readonly unknown[], what: string): void {
  if (new Set(values).size < values.length) throw new TaskSelectionError(`${what} has one entry twice`);
}

function generatorOf(value: unknown): GeneratorEntry {
  const entry = fieldsOf(value, 'each generator');
  const id = idOf(entry.id, 'the id of a generator');
  const what = `the difficulties of ${id}`;
  const difficulties = listOf(entry.difficulties, what, [1, LIMITS.difficulties]).map((difficulty) =>
    integerOf(difficulty, `each of ${what}`, [0, LIMITS.difficulty]),
  );
  requireDistinct(difficulties, `the list of ${what}`);
  return { id, version: integerOf(entry.version, `the version of ${id}`, [1, LIMITS.version]), difficulties };
}

const SHA256 = /^0x[0-9a-f]{64}$/;

function fileOf(value: unknown, id: string): SourceFile {
  const file = fieldsOf(value, `the file of ${id}`);
  const sha256 = textOf(file.sha256, `the sha256 of ${id}`, 66);
  if (!SHA256.test(sha256)) {
    throw new TaskSelectionError(`the sha256 of ${id} must be 0x and 64 lower-case hex digits`);
  }
  const urls = listOf(file.urls, `the addresses of ${id}`, [0, LIMITS.urls]);
  return {
    path: textOf(file.path, `the path of ${id}`, LIMITS.path),
    size: integerOf(file.size, `the size of ${id}`, [1, LIMITS.fileBytes]),
    sha256: sha256 as Hex,
    urls: urls.map((url) => textOf(url, `each address of ${id}`, LIMITS.url)),
  };
}

function choicesOf(value: unknown): readonly string[] {
  const choices = listOf(value, 'the choices of a checker', LIMITS.choices).map((choice) =>
    textOf(choice, 'each choice', LIMITS.choice),
  );
  requireDistinct(choices, 'the list of choices');
  return choices;
}

/** Reads a checker. Throws TaskSelectionError on an unknown kind or a field out of bounds. */
export function parseChecker(value: unknown): Checker {
  const checker = fieldsOf(value, 'each checker');
  switch (checker.kind) {
    case 'exact':
      if (typeof checker.ignoreCase !== 'boolean') {
        throw new TaskSelectionError('ignoreCase of a checker must be true or false');
      }
      return { kind: 'exact', ignoreCase: checker.ignoreCase };
    case 'choice':
      return { kind: 'choice', choices: choicesOf(checker.choices) };
    case 'set':
      return { kind: 'set', separator: textOf(checker.separator, 'the separator', LIMITS.separator) };
    case 'number':
    case 'pattern':
    case 'json':
      return { kind: checker.kind };
    default:
      throw new TaskSelectionError(
        'a checker has an unknown kind',
        'use exact, number, choice, set, pattern or json, or a newer version of this program',
      );
  }
}

function dataSetOf(value: unknown): DataSetEntry {
  const entry = fieldsOf(value, 'each data set');
  const id = idOf(entry.id, 'the id of a data set');
  const fields = fieldsOf(entry.fields, `the fields of ${id}`);
  return {
    id,
    file: fileOf(entry.file, id),
    fields: {
      prompt: textOf(fields.prompt, `the prompt field of ${id}`, LIMITS.field),
      answer: textOf(fields.answer, `the answer field of ${id}`, LIMITS.field),
    },
    heldOutOneIn: integerOf(entry.heldOutOneIn, `heldOutOneIn of ${id}`, LIMITS.heldOutOneIn),
    checker: parseChecker(entry.checker),
  };
}

/**
 * Reads a selection of tasks from parsed JSON or DAG-CBOR, and ignores extra fields. Whether this program
 * knows the generators is for `openTasks` to say. Throws TaskSelectionError.
 */
export function parseTaskSelection(value: unknown): TaskSelection {
  const selection = fieldsOf(value, 'the whole');
  const generators = listOf(selection.generators, 'generators', [0, LIMITS.generators]).map(generatorOf);
  const dataSets = listOf(selection.dataSets, 'dataSets', [0, LIMITS.dataSets]).map(dataSetOf);
  const ids = [...generators, ...dataSets].map(({ id }) => id);
  if (ids.length === 0) throw new TaskSelectionError('it names no task', 'name at least one');
  requireDistinct(ids, 'the list of tasks');
  return { generators, dataSets };
}
