/** Everything that is wrong with a file of questions, for whoever wrote it. */
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry } from '../../protocol/swarm-spec.ts';
import { openDataSet } from './data-set.ts';
import { DataSetError } from './json-lines.ts';

/** A mistake in a file of questions. */
export interface QuestionMistake {
  /** From 1; null where it is about the whole file. */
  readonly line: number | null;
  /** What is wrong, and what to do. */
  readonly sentence: string;
}

/** What a file of questions holds, or everything that is wrong with it. */
export type QuestionReport =
  | {
      readonly kind: 'read';
      readonly training: number;
      readonly heldOut: number;
      /** Two questions, for a person to see that the right fields were read. */
      readonly first: readonly { readonly prompt: string; readonly answer: string }[];
    }
  | {
      readonly kind: 'mistakes';
      readonly mistakes: readonly QuestionMistake[];
      /** Whether there may be more of them. */
      readonly more: boolean;
    };

const MOST_MISTAKES = 20;
const SHOWN_QUESTIONS = 2;

/**
 * Reads a file as the data set `entry`, whose file need not be named yet. A line with a mistake is left out,
 * and the rest is read again, so that up to 20 mistakes are found at once.
 */
export async function reportQuestions(entry: DataSetEntry, file: Uint8Array): Promise<QuestionReport> {
  const mistakes: QuestionMistake[] = [];
  let bytes = file;
  /** The line in the whole file of each line that is left. */
  let numbers: readonly number[] | undefined;
  for (;;) {
    try {
      const { items } = await openDataSet(named(entry, bytes), bytes);
      if (mistakes.length > 0) break;
      const { training, 'held-out': heldOut } = items;
      const first = training.slice(0, SHOWN_QUESTIONS).map(({ prompt, answer }) => ({ prompt, answer }));
      return { kind: 'read', training: training.length, heldOut: heldOut.length, first };
    } catch (error) {
      if (!(error instanceof DataSetError)) throw error;
      const { line, sentence } = error;
      // What is wrong with the whole may be so only for want of the lines that were left out.
      if (line === undefined && mistakes.length > 0) break;
      if (line === undefined) return { kind: 'mistakes', mistakes: [{ line: null, sentence }], more: false };
      numbers ??= lineStarts(bytes).map((_, index) => index + 1);
      mistakes.push({ line: numbers[line - 1] ?? line, sentence });
      if (mistakes.length >= MOST_MISTAKES) break;
      bytes = withoutLine(bytes, line);
      numbers = numbers.filter((_, index) => index !== line - 1);
      if (bytes.length === 0) break;
    }
  }
  return { kind: 'mistakes', mistakes, more: mistakes.length >= MOST_MISTAKES };
}

function named(entry: DataSetEntry, bytes: Uint8Array): DataSetEntry {
  return { ...entry, file: { ...entry.file, size: bytes.length, sha256: toHex(sha256Of(bytes)) } };
}

const LINE_BREAK = 0x0a;

/** Where each line begins. */
function lineStarts(bytes: Uint8Array): readonly number[] {
  const starts = [0];
  for (let at = bytes.indexOf(LINE_BREAK); at >= 0; at = bytes.indexOf(LINE_BREAK, at + 1))
    starts.push(at + 1);
  return starts;
}

function withoutLine(bytes: Uint8Array, line: number): Uint8Array {
  const starts = lineStarts(bytes);
  const [from = 0, to = bytes.length] = [starts[line - 1], starts[line]];
  const rest = new Uint8Array(bytes.length - (to - from));
  rest.set(bytes.subarray(0, from));
  rest.set(bytes.subarray(to), from);
  return rest;
}
