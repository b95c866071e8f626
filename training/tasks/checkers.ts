/**
 * Checks answers by rules that are data, so that everyone computes the same reward and no stranger's code
 * runs.
 */
import type { Checker } from '../../protocol/swarm-spec.ts';
import {
  cleaned,
  type ExtractionRule,
  extractAnswer,
  JSON_RULES,
  lowerCase,
  NUMBER_RULES,
  WORD_RULES,
} from './answer-extraction.ts';
import { canonicalJson } from './canonical-json.ts';
import { CheckerError } from './checker-error.ts';
import { lastNumber } from './number-text.ts';

/** One expected answer, ready to be compared. */
export interface ExpectedAnswer {
  /** The answer that a model's text gives. */
  extract(text: string): string;
  /** Whether an extracted answer is right. */
  accepts(answer: string): boolean;
  /** Why an extracted answer is wrong, in a sentence for people. */
  explain(answer: string): string;
}

/** Prepares an expected answer. Throws CheckerError when the checker cannot use it. */
export type Expect = (expected: string) => ExpectedAnswer;

/** Opens a checker. Loads the engine for patterns only when it is needed. */
export async function openChecker(checker: Checker): Promise<Expect> {
  switch (checker.kind) {
    case 'exact':
      return (expected) => exactAnswer(expected, checker.ignoreCase);
    case 'number':
      return numberAnswer;
    case 'choice':
      return (expected) => choiceAnswer(expected, checker.choices);
    case 'set':
      return (expected) => setAnswer(expected, checker.separator);
    case 'json':
      return jsonAnswer;
    case 'pattern': {
      const { compilePattern } = await import('./pattern.ts');
      return (expected) => {
        const matches = compilePattern(expected);
        return answerBy(WORD_RULES, matches, `what ${expected} matches`);
      };
    }
  }
}

/** Characters of a wrong answer that a sentence quotes. */
const QUOTED = 80;

/** Says of a wrong answer what would have been right. */
export function explainWrong(answer: string, right: string): string {
  return answer === ''
    ? `The text gives no answer. The right one is ${right}.`
    : `The right answer is ${right}, not ${answer.slice(0, QUOTED)}.`;
}

function answerBy(
  rules: readonly ExtractionRule[],
  accepts: (answer: string) => boolean,
  right: string,
): ExpectedAnswer {
  return {
    extract: (text) => extractAnswer(text, rules),
    accepts: (answer) => answer !== '' && accepts(answer),
    explain: (answer) => explainWrong(answer, right),
  };
}

/** Both sides without the marks and spaces around them. */
export function exactAnswer(expected: string, ignoreCase: boolean): ExpectedAnswer {
  const fold = ignoreCase ? lowerCase : (text: string) => text;
  const wanted = fold(cleaned(expected));
  if (wanted === '') throw new CheckerError('its answer has no letter or digit', 'Write an answer.');
  return answerBy(WORD_RULES, (answer) => fold(cleaned(answer)) === wanted, cleaned(expected));
}

/** Compares numbers as fractions: 0.50, .5's digits and 1/2 are the same, and nothing is rounded. */
export function numberAnswer(expected: string): ExpectedAnswer {
  const wanted = lastNumber(expected)?.text;
  if (wanted === undefined) {
    throw new CheckerError('its answer is not a number', 'Write a number, or choose another checker.');
  }
  return {
    extract: (text) => lastNumber(extractAnswer(text, NUMBER_RULES))?.text ?? '',
    accepts: (answer) => lastNumber(answer)?.text === wanted,
    explain: (answer) => explainWrong(answer, wanted),
  };
}

/** One of the choices, by its own words. */
export function choiceAnswer(expected: string, choices: readonly string[]): ExpectedAnswer {
  const wanted = choices.find((choice) => lowerCase(choice) === lowerCase(cleaned(expected)));
  if (wanted === undefined) {
    throw new CheckerError(
      `its answer is none of the choices ${choices.join(', ').slice(0, 200)}`,
      'Write one of them, or add it to the choices.',
    );
  }
  return {
    extract: (text) => {
      const answer = extractAnswer(text, WORD_RULES);
      return choiceIn(answer, choices) ?? '';
    },
    accepts: (answer) => answer === wanted,
    explain: (answer) => explainWrong(answer, wanted),
  };
}

/**
 * The choice that an answer names: alone, in brackets, at its start (`B) Paris`), or as the only one among
 * its words. A single letter within a sentence counts only in the case of the choice, because `a` is a word.
 */
function choiceIn(answer: string, choices: readonly string[]): string | undefined {
  const folded = lowerCase(answer);
  const bare = cleaned(answer.split(/[()[\]{}]/).join(' '));
  const whole = choices.find((choice) => lowerCase(choice) === lowerCase(bare));
  if (whole !== undefined) return whole;
  const first = choices.find((choice) => {
    const open = /^[([{]/.test(answer) ? 1 : 0;
    const follows = folded.charAt(open + choice.length);
    return folded.startsWith(lowerCase(choice), open) && /[).\]}:]/.test(follows);
  });
  if (first !== undefined) return first;
  const named = choices.filter((choice) =>
    choice.length === 1 ? hasWord(answer, choice) : hasWord(folded, lowerCase(choice)),
  );
  return named.length === 1 ? named[0] : undefined;
}

const WORD_CHARACTER = /[A-Za-z0-9]/;

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text.charAt(at - 1), text.charAt(at + word.length)];
    if (!WORD_CHARACTER.test(before) && !WORD_CHARACTER.test(after)) return true;
  }
  return false;
}

function setAnswer(expected: string, separator: string): ExpectedAnswer {
  const wanted = elementsOf(expected, separator);
  if (wanted.length === 0) throw new CheckerError('its answer has no element', 'Write at least one.');
  const key = JSON.stringify(wanted);
  return answerBy(
    WORD_RULES,
    (answer) => JSON.stringify(elementsOf(answer, separator)) === key,
    wanted.join(`${separator} `),
  );
}

/** Different elements in the order of their UTF-16 units, without brackets around the whole. */
function elementsOf(text: string, separator: string): readonly string[] {
  const inner = cleaned(text)
    .replace(/^[[{(]/, '')
    .replace(/[\]})]$/, '');
  // After cleaning, a separator of spaces is one space.
  const mark = separator.trim() === '' ? ' ' : separator.trim();
  return [...new Set(inner.split(mark).map(cleaned))].filter((element) => element !== '').sort();
}

function jsonAnswer(expected: string): ExpectedAnswer {
  const wanted = canonicalJson(expected);
  if (wanted === undefined) {
    throw new CheckerError(
      'its answer is not JSON of at most 64 levels',
      'Write JSON, or choose another checker.',
    );
  }
  return answerBy(JSON_RULES, (answer) => canonicalJson(answer) === wanted, wanted);
}
