/** Questions from a file as items of a task. */
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry } from '../../protocol/swarm-spec.ts';
import { CheckerError } from './checker-error.ts';
import { type ExpectedAnswer, openChecker } from './checkers.ts';
import { shareOf } from './held-out-split.ts';
import type { ItemDrawer } from './item-set.ts';
import { DataSetError, questionIdentity, readQuestionLines } from './json-lines.ts';
import type { Share, TaskItem } from './task.ts';

/** Each is compiled when the file is opened. */
const MAX_PATTERNS = 5000;

/** A data set's questions by share, in the order of the file. */
export interface DataSet {
  readonly id: string;
  readonly items: Readonly<Record<Share, readonly TaskItem[]>>;
}

/**
 * Reads the file of a data set. Throws DataSetError when it is missing, is not the named file, has a line
 * that cannot be used, or leaves one of the shares without a question.
 */
export async function openDataSet(
  entry: DataSetEntry,
  file: Uint8Array | string | undefined,
): Promise<DataSet> {
  const { id, heldOutOneIn } = entry;
  if (file === undefined) {
    throw new DataSetError(id, `its file ${entry.file.path} is missing`, {
      remedy: 'Fetch it from one of its addresses or from another member first.',
    });
  }
  requireNamedFile(entry, file);
  const expect = await openChecker(entry.checker);
  const lines = readQuestionLines(file, entry);
  if (entry.checker.kind === 'pattern' && lines.length > MAX_PATTERNS) {
    throw new DataSetError(id, `it has ${lines.length} patterns, and ${MAX_PATTERNS} are allowed`, {
      remedy: 'Split the file.',
    });
  }
  const items: Record<Share, TaskItem[]> = { training: [], 'held-out': [] };
  for (const { line, prompt, answer } of lines) {
    const identity = questionIdentity(prompt);
    const { answer: expected, solution } = splitSolution(answer);
    items[shareOf(id, identity, heldOutOneIn)].push(
      itemOf({ task: id, prompt, identity, ...expectedOf(expect, expected, { id, line }), solution }),
    );
  }
  for (const share of ['training', 'held-out'] as const) {
    if (items[share].length > 0) continue;
    throw new DataSetError(id, `its ${share} share has no question when one in ${heldOutOneIn} is held out`, {
      remedy: `Add questions, or hold out ${share === 'training' ? 'fewer' : 'more'} of them.`,
    });
  }
  return { id, items };
}

function requireNamedFile({ id, file: named }: DataSetEntry, file: Uint8Array | string): void {
  const bytes = typeof file === 'string' ? new TextEncoder().encode(file) : file;
  const remedy = 'Fetch it again, from another address or member.';
  if (bytes.length !== named.size) {
    throw new DataSetError(id, `its file has ${bytes.length} bytes instead of ${named.size}`, { remedy });
  }
  if (toHex(sha256Of(bytes)) !== named.sha256) {
    throw new DataSetError(id, 'its file does not have the SHA-256 that the swarm names', { remedy });
  }
}

const SOLUTION_MARK = '####';

/** GSM8K (arXiv 2110.14168) writes a worked solution, `####` and the answer into one field. */
function splitSolution(field: string): { readonly answer: string; readonly solution: string | undefined } {
  const mark = field.lastIndexOf(SOLUTION_MARK);
  if (mark < 0) return { answer: field, solution: undefined };
  return { answer: field.slice(mark + SOLUTION_MARK.length).trim(), solution: field };
}

function expectedOf(
  expect: (answer: string) => ExpectedAnswer,
  answer: string,
  { id, line }: { readonly id: string; readonly line: number },
): { readonly answer: string; readonly expected: ExpectedAnswer } {
  try {
    return { answer, expected: expect(answer) };
  } catch (error) {
    if (!(error instanceof CheckerError)) throw error;
    throw new DataSetError(id, error.problem, { line, remedy: error.remedy });
  }
}

function itemOf(options: {
  readonly task: string;
  readonly prompt: string;
  readonly identity: string;
  readonly answer: string;
  readonly expected: ExpectedAnswer;
  readonly solution: string | undefined;
}): TaskItem {
  const { expected, solution, ...question } = options;
  const { extract } = expected;
  const right = (text: string) => expected.accepts(extract(text));
  return {
    ...question,
    difficulty: 0,
    answerIn: extract,
    check: (text) => (right(text) ? 1 : 0),
    explain: (text) => (right(text) ? 'The answer is right.' : expected.explain(extract(text))),
    ...(solution === undefined ? {} : { solution }),
    credits: () => undefined,
  };
}

/** Draws a share's questions in an order that follows from the seed, each at most once. */
export function dataSetDrawer({ id, items }: DataSet, seed: Uint8Array, share: Share): ItemDrawer {
  const all = items[share];
  const draws = RandomStream.named({ seed, round: 0, device: id, purpose: 'items' }).sequence(0);
  // Where another item than its own stands after the draws so far (Fisher and Yates, without the whole
  // array).
  const moved = new Map<number, number>();
  let left = all.length;
  return {
    draws: 1,
    turns: 1,
    draw() {
      if (left === 0) return undefined;
      const at = draws.integer(0, left - 1);
      left -= 1;
      const chosen = moved.get(at) ?? at;
      moved.set(at, moved.get(left) ?? left);
      return must(all, chosen);
    },
  };
}
