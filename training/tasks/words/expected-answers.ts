/** How the answers of word tasks are compared, besides numbers. */
import { cleaned, extractAnswer, lowerCase, WORD_RULES } from '../answer-extraction.ts';
import { type ExpectedAnswer, exactAnswer, explainWrong } from '../checkers.ts';

/** A word or several, in any case. */
export function wordAnswer(answer: string): ExpectedAnswer {
  return exactAnswer(answer, true);
}

/**
 * The elements of a list in lower case. Spaces, commas and semicolons separate them, brackets are ignored.
 */
export function listElements(text: string): readonly string[] {
  return lowerCase(text)
    .split(/[ \t\r\n,;()[\]{}]/)
    .map(cleaned)
    .filter((element) => element !== '');
}

/** A list in that order, separated by spaces or commas. */
export function listAnswer(answer: string): ExpectedAnswer {
  const wanted = listElements(answer).join(' ');
  return {
    extract: (text) => listElements(extractAnswer(text, WORD_RULES)).join(' '),
    accepts: (given) => given === wanted,
    explain: (given) => explainWrong(given, wanted),
  };
}
