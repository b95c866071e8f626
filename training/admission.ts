/**
 * Decides which published completions may be trained on. A rollout set comes from an untrusted peer: its
 * tokens, log-probabilities and item numbers are checked against its text, and its reward is computed here.
 */

import { canon } from '../compute/repops/arithmetic.ts';
import type { AnswerGroup, Completion } from '../protocol/trainer.ts';
import type { CompletionTokenizer } from './completion-tokenizer.ts';
import type { ScoredSample } from './grpo.ts';
import { answerPrompt, MAX_COMPLETION_TOKENS } from './prompts.ts';
import type { TaskItem } from './tasks/task.ts';

/** Why a published completion is not trained on. */
export type SampleRejectReason =
  | 'unknown item'
  | 'item repeated'
  | 'too many completions'
  | 'too long'
  | 'tokens are not those of the text'
  | 'log-probabilities do not fit the tokens'
  | 'log-probability out of range';

/**
 * The lowest log-probability of a token that is accepted. A sampler with a vocabulary of V draws a token of
 * probability e^-20 or less with probability at most V e^-20, which is below 1 in 7 million for V = 64.
 */
const LOWEST_LOGPROB = -20;

/** Rounding can lift a log-probability above 0 by no more than this. */
const HIGHEST_LOGPROB = 2 ** -10;

export interface Admission {
  readonly samples: readonly ScoredSample[];
  readonly rejections: readonly RejectedSample[];
}

export interface RejectedSample {
  readonly item: number;
  readonly sample: number;
  readonly reason: SampleRejectReason;
}

function rejectReasonOf(
  completion: Completion,
  tokenizer: CompletionTokenizer,
): SampleRejectReason | undefined {
  const { text, tokens, logprobs } = completion;
  if (tokens.length === 0 || tokens.length > MAX_COMPLETION_TOKENS || text.length > MAX_COMPLETION_TOKENS) {
    return 'too long';
  }
  let encoded: number[];
  try {
    encoded = [...tokenizer.encode(text)];
  } catch {
    return 'tokens are not those of the text';
  }
  if (tokens.at(-1) === tokenizer.endToken) encoded.push(tokenizer.endToken);
  if (encoded.length !== tokens.length || encoded.some((id, index) => id !== tokens[index])) {
    return 'tokens are not those of the text';
  }
  if (logprobs.length !== tokens.length) return 'log-probabilities do not fit the tokens';
  const plausible = logprobs.every(
    (value) => Object.is(canon(value), value) && value >= LOWEST_LOGPROB && value <= HIGHEST_LOGPROB,
  );
  return plausible ? undefined : 'log-probability out of range';
}

export interface AdmissionLimits {
  /** Most completions of one item by one author. */
  readonly completionsPerItem: number;
}

/**
 * Admits the consistent completions of one author, each with its reward from the item's checker. The others
 * are rejected one by one: a bad completion does not affect its neighbours.
 */
export function admit(
  groups: readonly AnswerGroup[],
  items: readonly TaskItem[],
  tokenizer: CompletionTokenizer,
  limits: AdmissionLimits,
): Admission {
  const samples: ScoredSample[] = [];
  const rejections: RejectedSample[] = [];
  const seen = new Set<number>();
  // Each item counts once, so the number of items bounds the work that a remote peer can cause.
  for (const group of groups.slice(0, items.length)) {
    const item = items[group.item];
    if (item === undefined || seen.has(group.item)) {
      rejections.push({
        item: group.item,
        sample: 0,
        reason: item === undefined ? 'unknown item' : 'item repeated',
      });
      continue;
    }
    seen.add(group.item);
    if (group.completions.length > limits.completionsPerItem) {
      rejections.push({
        item: group.item,
        sample: limits.completionsPerItem,
        reason: 'too many completions',
      });
    }
    group.completions.slice(0, limits.completionsPerItem).forEach((completion, sample) => {
      const reason = rejectReasonOf(completion, tokenizer);
      if (reason !== undefined) {
        rejections.push({ item: group.item, sample, reason });
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
  return { samples, rejections };
}
