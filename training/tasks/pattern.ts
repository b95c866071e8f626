/** Regular expressions of strangers, by an engine whose time is linear in the text (RE2's syntax). */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { CheckerError } from './checker-error.ts';

/** Characters of a pattern. */
const MAX_PATTERN_LENGTH = 512;
/** Instructions of a compiled pattern: what repetitions such as `{1000}` unfold to. */
const MAX_INSTRUCTIONS = 1000;
/**
 * Characters of a text that may match. A match takes at most as many steps for each as there are
 * instructions.
 */
const MAX_TEXT_LENGTH = 1024;

/**
 * Whether a whole text matches. Throws CheckerError on a pattern that is too long or too large, or that RE2
 * refuses: back-references, look-around and repetitions of more than 1,000.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new CheckerError(
      `its pattern has ${pattern.length} characters, and ${MAX_PATTERN_LENGTH} are allowed`,
      'Shorten it.',
    );
  }
  const instructions = compiled(pattern).programSize();
  if (instructions > MAX_INSTRUCTIONS) {
    throw new CheckerError(
      `its pattern unfolds to ${instructions} instructions, and ${MAX_INSTRUCTIONS} are allowed`,
      'Use fewer or smaller repetitions.',
    );
  }
  // Compiled again for each use: the patterns of a whole file would take much memory.
  return (text) => text.length <= MAX_TEXT_LENGTH && compiled(pattern).matches(text);
}

function compiled(pattern: string): RE2JS {
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
