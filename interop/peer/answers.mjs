/**
 * Answers of a policy that needs no model: it works the answer out, and writes each character of it rightly
 * with probability 0.9, or else another one of the same kind, all equally likely. The log-probabilities that
 * it publishes are those of the characters that it wrote, exactly.
 */
import { stream } from './draws.mjs';
import { packLogprobs, packTokens } from './rollout-set.mjs';

const RIGHT = 0.9;
const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Token ids of the built-in model nano: digits, then letters, a token each. */
const END = 2;
const FIRST = 3;

function tokenOf(character) {
  return FIRST + (DIGITS + LETTERS).indexOf(character);
}

/** One completion of a right answer. */
function completion(answer, draws) {
  const logprobs = [];
  let text = '';
  for (const right of answer) {
    const others = [...(DIGITS.includes(right) ? DIGITS : LETTERS)].filter((other) => other !== right);
    const isRight = draws.uniform() < RIGHT;
    text += isRight ? right : others[draws.integer(0, others.length - 1)];
    logprobs.push(Math.log(isRight ? RIGHT : (1 - RIGHT) / others.length));
  }
  // After the last character it always ends.
  return {
    text,
    tokens: packTokens([...[...text].map(tokenOf), END]),
    logprobs: packLogprobs([...logprobs, 0]),
  };
}

/**
 * The rollout set of a device in a round.
 * @param {{ author: Uint8Array, device: string, pool: { answer: string }[], items: number[], samples: number,
 *   round: number, seed: Uint8Array }} options
 */
export function answerItems({ author, device, pool, items, samples, round, seed }) {
  const draws = stream({ purpose: 'sampling', round, device, seed });
  const groups = items.map((item) => ({
    item,
    completions: Array.from({ length: samples }, (_, sample) =>
      completion(pool[item].answer, draws(item, sample)),
    ),
  }));
  // No model answered, so there is no root of one.
  return { author, modelRoot: new Uint8Array(32), groups };
}
