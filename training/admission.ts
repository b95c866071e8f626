/**
 * Which published completions may be trained on. A rollout set comes from a stranger: its tokens, log-probabilities and
 * item numbers are checked against its text, and its reward is worked out here.
 */

import { canon } from '../compute/repops/arithmetic.ts';
import type { AnswerGroup, Completion } from '../protocol/trainer.ts';
import type { Codec } from './codec.ts';
import type { ScoredSample } from './grpo.ts';
import { answerPrompt, MAX_COMPLETION_TOKENS } from './prompts.ts';
import type { TaskItem } from './tasks/task.ts';

export type Refusal =
  | 'unknown item'
  | 'item repeated'
  | 'too many completions'
  | 'too long'
  | 'tokens are not those of the text'
  | 'log-probabilities do not fit the tokens'
  | 'log-probability out of range';

/**
 * The lowest log-probability of a token that is believed. A sampler with a vocabulary of V draws a token of
 * probability e^-20 or less with probability at most V e^-20: below 1 in 7 million for V = 64.
 */
export const LOWEST_LOGPROB = -20;

/** Above 0 by no more than what rounding can do. */
const HIGHEST_LOGPROB = 2 ** -10;

export interface Admission {
  readonly samples: readonly ScoredSample[];
  readonly refusals: readonly { readonly item: number; readonly sample: number; readonly reason: Refusal }[];
}

function refusalOf(completion: Completion, codec: Codec): Refusal | undefined {
  const { text, tokens, logprobs } = completion;
  if (tokens.length === 0 || tokens.length > MAX_COMPLETION_TOKENS || text.length > MAX_COMPLETION_TOKENS) {
    return 'too long';
  }
  let encoded: number[];
  try {
    encoded = [...codec.encode(text)];
  } catch {
    return 'tokens are not those of the text';
  }
  if (tokens.at(-1) === codec.endToken) encoded.push(codec.endToken);
  if (encoded.length !== tokens.length || encoded.some((id, index) => id !== tokens[index])) {
    return 'tokens are not those of the text';
  }
  if (logprobs.length !== tokens.length) return 'log-probabilities do not fit the tokens';
  const believable = logprobs.every(
    (value) => Object.is(canon(value), value) && value >= LOWEST_LOGPROB && value <= HIGHEST_LOGPROB,
  );
  return believable ? undefined : 'log-probability out of range';
}

export interface AdmissionLimits {
  /** Completions of one item by one author. */
  readonly completionsPerItem: number;
}

/**
 * The completions of one author that are what they say, each with its reward by the item's checker. The rest is
 * refused one by one: a bad completion does not cost its neighbours.
 */
export function admit(
  groups: readonly AnswerGroup[],
  items: readonly TaskItem[],
  codec: Codec,
  limits: AdmissionLimits,
): Admission {
  const samples: ScoredSample[] = [];
  const refusals: { item: number; sample: number; reason: Refusal }[] = [];
  const seen = new Set<number>();
  // Each item once and no unknown one, so that reading stops at a length that a stranger cannot choose.
  for (const group of groups.slice(0, items.length)) {
    const item = items[group.item];
    if (item === undefined || seen.has(group.item)) {
      refusals.push({
        item: group.item,
        sample: 0,
        reason: item === undefined ? 'unknown item' : 'item repeated',
      });
      continue;
    }
    seen.add(group.item);
    if (group.completions.length > limits.completionsPerItem) {
      refusals.push({ item: group.item, sample: limits.completionsPerItem, reason: 'too many completions' });
    }
    group.completions.slice(0, limits.completionsPerItem).forEach((completion, sample) => {
      const reason = refusalOf(completion, codec);
      if (reason !== undefined) {
        refusals.push({ item: group.item, sample, reason });
        return;
      }
      samples.push({
        item: group.item,
        prompt: answerPrompt(item.prompt),
        tokens: completion.tokens,
        logprobs: completion.logprobs,
        reward: item.check(completion.text),
        credits: item.credits(completion.text),
      });
    });
  }
  return { samples, refusals };
}
