/**
 * Decides which published completions may be trained on. A rollout set comes from an untrusted peer: its
 * tokens, log-probabilities and item numbers are checked against its text, and its reward is computed here.
 */

import { canon } from '../compute/repops/arithmetic.ts';
import type { AnswerGroup, Completion } from '../protocol/trainer.ts';
import type { ScoredSample } from './grpo.ts';
import type { RewardRule } from './learning-settings.ts';
import type { PromptFormat, PromptFormatId } from './prompt-format.ts';
import type { TaskItem } from './tasks/task.ts';

/** Why a published completion is not trained on. */
export type SampleRejectReason =
  | 'unknown item'
  | 'item not drawn by the author'
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

/** Most characters that one token of a format stands for, so that no longer text is tokenized. */
const MAX_TOKEN_CHARACTERS: Readonly<Record<PromptFormatId, number>> = { short: 1, words: 32, chat: 128 };

export interface Admission {
  readonly samples: readonly ScoredSample[];
  readonly rejections: readonly RejectedSample[];
}

export interface RejectedSample {
  readonly item: number;
  readonly sample: number;
  readonly reason: SampleRejectReason;
}

function rejectReasonOf(completion: Completion, format: PromptFormat): SampleRejectReason | undefined {
  const { text, tokens, logprobs } = completion;
  const most = format.maxTokens.answer;
  if (tokens.length === 0 || tokens.length > most || text.length > most * MAX_TOKEN_CHARACTERS[format.id]) {
    return 'too long';
  }
  let encoded: number[];
  try {
    encoded = [...format.encode(text)];
  } catch {
    return 'tokens are not those of the text';
  }
  if (tokens.at(-1) === format.endToken) encoded.push(format.endToken);
  if (encoded.length !== tokens.length || encoded.some((id, index) => id !== tokens[index])) {
    return 'tokens are not those of the text';
  }
  if (logprobs.length !== tokens.length) return 'log-probabilities do not fit the tokens';
  const plausible = logprobs.every(
    (value) => Object.is(canon(value), value) && value >= LOWEST_LOGPROB && value <= HIGHEST_LOGPROB,
  );
  return plausible ? undefined : 'log-probability out of range';
}

export interface AdmissionRules {
  /** The round's pool of items. */
  readonly items: readonly TaskItem[];
  /** The items that the author draws, so that it cannot choose easy ones. */
  readonly drawn: readonly number[];
  readonly reward: RewardRule;
  /** Most completions of one item by one author. */
  readonly completionsPerItem: number;
}

/** The reward of a completion's text, worked out here by the item's checker. */
export function rewardOf(
  item: TaskItem,
  text: string,
  rule: RewardRule,
): Pick<ScoredSample, 'reward' | 'credits'> {
  const reward = item.check(text);
  return rule === 'exact' ? { reward: reward === 1 ? 1 : 0 } : { reward, credits: item.credits(text) };
}

/**
 * Admits the consistent completions of one author, each with its reward from the item's checker. The others
 * are rejected one by one: a bad completion does not affect its neighbours.
 */
export function admit(
  groups: readonly AnswerGroup[],
  format: PromptFormat,
  { items, drawn, reward, completionsPerItem }: AdmissionRules,
): Admission {
  const samples: ScoredSample[] = [];
  const rejections: RejectedSample[] = [];
  const seen = new Set<number>();
  const reject = (group: AnswerGroup, sample: number, reason: SampleRejectReason) =>
    rejections.push({ item: group.item, sample, reason });
  // Each drawn item counts once, so the number of drawn items bounds the work that a remote peer can cause.
  for (const group of groups.slice(0, drawn.length)) {
    const item = items[group.item];
    if (item === undefined) {
      reject(group, 0, 'unknown item');
      continue;
    }
    if (!drawn.includes(group.item)) {
      reject(group, 0, 'item not drawn by the author');
      continue;
    }
    if (seen.has(group.item)) {
      reject(group, 0, 'item repeated');
      continue;
    }
    seen.add(group.item);
    if (group.completions.length > completionsPerItem) {
      reject(group, completionsPerItem, 'too many completions');
    }
    group.completions.slice(0, completionsPerItem).forEach((completion, sample) => {
      const reason = rejectReasonOf(completion, format);
      if (reason !== undefined) {
        reject(group, sample, reason);
        return;
      }
      samples.push({
        item: group.item,
        prompt: format.answer(item),
        tokens: completion.tokens,
        logprobs: completion.logprobs,
        ...rewardOf(item, completion.text, reward),
      });
    });
  }
  return { samples, rejections };
}
