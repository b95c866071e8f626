/**
 * Which part of a model's text is its answer. A rule is data, so that everyone extracts the same. Every rule
 * reads the text a fixed number of times from one end to the other: no text of a stranger takes longer.
 */
import { lastNumber } from './number-text.ts';

/**
 * Where an answer may stand. `answer tags`: between `<answer>` and `</answer>`, without Markdown's and
 * quotation marks around it unless `verbatim`. `boxed`: in LaTeX's `\boxed{}`. `hash mark`: behind GSM8K's
 * `####`. `sentence`: behind `the answer is` or `answer:`, up to the sentence's end. `code block`: between
 * Markdown's fences. In each of them the last one in the text counts.
 */
export type ExtractionRule =
  | 'answer tags'
  | 'answer tags, verbatim'
  | 'boxed'
  | 'hash mark'
  | 'sentence'
  | 'code block'
  | 'last line'
  | 'last number'
  | 'whole text';

/** For answers of a few words: marks first, then the last line. */
export const WORD_RULES: readonly ExtractionRule[] = [
  'answer tags',
  'boxed',
  'hash mark',
  'sentence',
  'last line',
];

/** For numbers: marks first, then the last number. */
export const NUMBER_RULES: readonly ExtractionRule[] = [
  'answer tags',
  'boxed',
  'hash mark',
  'sentence',
  'last number',
];

/** For JSON, which may have several lines. */
export const JSON_RULES: readonly ExtractionRule[] = ['answer tags, verbatim', 'code block', 'whole text'];

/** Characters of a text's end in which an answer is looked for. */
export const MAX_EXTRACTION_LENGTH = 65_536;

/**
 * The answer by the first rule that finds one, or the empty text. Reasoning in `<think>` is never an answer,
 * and a text that ends within it has none.
 */
export function extractAnswer(text: string, rules: readonly ExtractionRule[]): string {
  const answer = afterThinking(text.slice(-MAX_EXTRACTION_LENGTH));
  const folded = lowerCase(answer);
  for (const rule of rules) {
    const found = EXTRACTORS[rule](answer, folded);
    if (found !== '') return found;
  }
  return '';
}

/** ASCII letters in lower case. Other letters keep their case, and every character keeps its place. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const OPEN_THINK = '<think>';
const CLOSE_THINK = '</think>';

function afterThinking(text: string): string {
  const folded = lowerCase(text);
  const close = folded.lastIndexOf(CLOSE_THINK);
  const start = close < 0 ? 0 : close + CLOSE_THINK.length;
  const open = folded.indexOf(OPEN_THINK, start);
  return text.slice(start, open < 0 ? text.length : open);
}

type Extractor = (text: string, folded: string) => string;

const EXTRACTORS: Readonly<Record<ExtractionRule, Extractor>> = {
  'answer tags': (text, folded) => cleaned(betweenTags(text, folded)),
  'answer tags, verbatim': (text, folded) => betweenTags(text, folded).trim(),
  boxed: (text) => {
    const open = text.lastIndexOf('\\boxed{');
    return open < 0 ? '' : cleaned(bracedFrom(text, open + '\\boxed{'.length));
  },
  'hash mark': (text) => {
    const mark = text.lastIndexOf('####');
    return mark < 0 ? '' : cleaned(firstLine(text.slice(mark + 4)));
  },
  sentence: (text, folded) => cleaned(lastSentence(text, folded)),
  'code block': (text) => {
    const close = text.lastIndexOf('```');
    const open = close < 1 ? -1 : text.lastIndexOf('```', close - 1);
    if (open < 0) return '';
    const block = text.slice(open + 3, close);
    // The first line names the language.
    const line = block.indexOf('\n');
    return line < 0 ? block.trim() : block.slice(line + 1).trim();
  },
  'last line': (text) => cleaned(lastLine(text)),
  'last number': (text) => lastNumber(text)?.text ?? '',
  'whole text': (text) => text.trim(),
};

/** To the end of the text when the tag never closes. */
function betweenTags(text: string, folded: string): string {
  const open = folded.lastIndexOf('<answer>');
  if (open < 0) return '';
  const start = open + '<answer>'.length;
  const close = folded.indexOf('</answer', start);
  return text.slice(start, close < 0 ? text.length : close);
}

/** Up to the brace that closes, or the end of the line when none does. */
function bracedFrom(text: string, start: number): string {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\n') return text.slice(start, at);
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
}

function firstLine(text: string): string {
  const start = text.length - text.trimStart().length;
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? text.length : end);
}

function lastLine(text: string): string {
  let rest = text.trimEnd();
  // A line of marks alone, such as a closing fence, is no answer.
  for (;;) {
    const line = rest.slice(rest.lastIndexOf('\n') + 1);
    if (cleaned(line) !== '' || rest === '') return line;
    rest = rest.slice(0, rest.length - line.length).trimEnd();
  }
}

const SENTENCE_MARKS = ['answer is', 'answer:', 'answer =', 'answer**:', 'answer:**', 'answer is:'];

function lastSentence(text: string, folded: string): string {
  let start = -1;
  for (const mark of SENTENCE_MARKS) {
    const at = folded.lastIndexOf(mark);
    if (at >= 0) start = Math.max(start, at + mark.length);
  }
  if (start < 0) return '';
  const line = firstLine(text.slice(start));
  // A full stop between digits or letters is a part of the answer, such as in 3.5.
  for (let at = 0; at < line.length; at++) {
    const next = line.charAt(at + 1);
    const ends = line.charAt(at) === '.' && (next === '' || next === ' ' || next === '*');
    if (ends && cleaned(line.slice(0, at)) !== '') return line.slice(0, at);
  }
  return line;
}

/** Marks around an answer that do not belong to it: Markdown, LaTeX and quotation marks, and spaces. */
const AROUND = ' \t\r\n\u00a0*_`~"\'“”‘’«»„$';
const BEFORE = `${AROUND}:=>#`;
const AFTER = `${AROUND}.,;:!。．`;

/** The text without what may stand around an answer. Spaces inside become one. */
export function cleaned(text: string): string {
  const bare = text
    .split('\\(')
    .join(' ')
    .split('\\)')
    .join(' ')
    .split('\\[')
    .join(' ')
    .split('\\]')
    .join(' ');
  let start = 0;
  let end = bare.length;
  while (start < end && BEFORE.includes(bare.charAt(start))) start += 1;
  while (end > start && AFTER.includes(bare.charAt(end - 1))) end -= 1;
  return bare
    .slice(start, end)
    .split(/[ \t\r\n\u00a0]/)
    .filter((word) => word !== '')
    .join(' ');
}
