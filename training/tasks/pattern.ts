/** Regular expressions of strangers, by an engine whose time is linear in the text (RE2's syntax). */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { CheckerError } from './checker-error.ts';

/** Characters of a pattern. */
const MAX_PATTERN_LENGTH = 512;
/** Characters of a text that may match. */
const MAX_TEXT_LENGTH = 4096;

/**
 * Whether a whole text matches. Throws CheckerError on a pattern that is too long or that RE2 refuses:
 * back-references, look-around and repetitions of more than 1,000.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new CheckerError(
      `its pattern has ${pattern.length} characters, and ${MAX_PATTERN_LENGTH} are allowed`,
      'Shorten it.',
    );
  }
  const compiled = compiledPattern(pattern);
  return (text) => text.length <= MAX_TEXT_LENGTH && compiled.matches(text);
}

function compiledPattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new CheckerError(
      `its pattern cannot be used (${error.message})`,
      'Write it in RE2 syntax, without back-references and look-around.',
    );
  }
}
