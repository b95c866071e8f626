/**
 * Which ids a tokenizer.json may give its tokens. The package that reads it keeps tokens in an array by id
 * and walks that array, so that one large id of a stranger would take hours.
 */
import { TokenizerError } from './tokenizer-error.ts';

/** Ids of the largest vocabulary: as many as a config.json may name. */
const MOST_IDS = 1 << 20;

/** Whether a value is the id of a token, an index into a model's embedding. */
export function isTokenId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MOST_IDS;
}

/**
 * Checks the ids of the vocabulary and of the added tokens. Throws TokenizerError for one that is no whole
 * number from 0 to 2^20 - 1, and for a vocabulary with more tokens.
 */
export function checkTokenIds(tokenizer: Readonly<Record<string, unknown>>): void {
  const { added_tokens: added, model } = tokenizer;
  for (const token of Array.isArray(added) ? (added as readonly unknown[]) : []) {
    if (!isTokenId(recordOf(token).id)) throw bad('an added token has a bad id');
  }
  const { vocab } = recordOf(model);
  // A unigram model has a list, in which the place is the id.
  if (Array.isArray(vocab)) {
    if (vocab.length > MOST_IDS) throw bad('it has too many tokens');
  } else if (!Object.values(recordOf(vocab)).every(isTokenId)) {
    throw bad('its vocabulary has a bad id');
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function bad(problem: string): TokenizerError {
  return new TokenizerError(`tokenizer.json: ${problem}; fetch the model again`);
}
