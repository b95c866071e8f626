/**
 * Decides which published completions may be trained on. A rollout set comes from an untrusted peer: its
 * tokens, log-probabilities and item numbers are checked against its text, and its reward is computed here.
 * Where members bring models of their own, a text in the tokens of another model is put into the own ones.
 */

import { canon } from '../compute/repops/arithmetic.ts';
import type { AnswerGroup, Completion } from '../protocol/trainer.ts';
import type { ScoredSample } from './grpo.ts';
import type { ModelFamilies, RewardRule } from './learning-settings.ts';
import type { PromptFormat, PromptFormatId } from './prompt-format.ts';
import { promptOrNothing } from './prompting.ts';
import { endTokensOf } from './sampling.ts';
import type { TaskItem } from './tasks/task.ts';

/** Why a published completion is not trained on. */
export type SampleRejectReason =
  | 'unknown item'
  | 'item not drawn by the author'
  | 'item repeated'
  | 'question does not fit this model'
  | 'too many completions'
  | 'too long'
  | 'tokens are not those of the text'
  | 'text that this model cannot spell'
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

/** A completion as this device trains on it, or why it does not. */
type Checked =
  | {
      readonly kind: 'tokens';
      readonly tokens: readonly number[];
      /** Absent where the author's are of another tokenizer. */
      readonly logprobs?: readonly number[];
    }
  | { readonly kind: 'rejected'; readonly reason: SampleRejectReason };

function rejected(reason: SampleRejectReason): Checked {
  return { kind: 'rejected', reason };
}

/**
 * Whether the tokens spell exactly the text: no special token but an end token at their end. A sampled
 * spelling may differ from the one that encoding gives.
 */
function spells(format: PromptFormat, { text, tokens }: Completion): boolean {
  const ends = endTokensOf(format);
  const body = ends.includes(tokens.at(-1) ?? -1) ? tokens.slice(0, -1) : tokens;
  try {
    const encoded = format.encode(text);
    if (encoded.length === body.length && encoded.every((id, index) => id === body[index])) return true;
    // A special token has no text, nor has an id that is no token; some formats throw for the latter.
    return (
      format.decode(body) === text && body.every((id) => !ends.includes(id) && format.decode([id]) !== '')
    );
  } catch {
    return false;
  }
}

function checked(completion: Completion, format: PromptFormat, rules: AdmissionRules, most: number): Checked {
  const { text, tokens, logprobs } = completion;
  if (text.length > most * MAX_TOKEN_CHARACTERS[format.id]) return rejected('too long');
  const foreign = rules.models === 'any';
  if (tokens.length === 0 || (tokens.length > most && !foreign)) return rejected('too long');
  if (tokens.length > most || !spells(format, completion)) {
    return foreign ? encoded(text, format, most) : rejected('tokens are not those of the text');
  }
  if (logprobs.length !== tokens.length) return rejected('log-probabilities do not fit the tokens');
  const plausible = logprobs.every(
    (value) => Object.is(canon(value), value) && value >= LOWEST_LOGPROB && value <= HIGHEST_LOGPROB,
  );
  return plausible ? { kind: 'tokens', tokens, logprobs } : rejected('log-probability out of range');
}

/** Another model's text in the own tokens. Its author had the choice to end it, so it ends. */
function encoded(text: string, format: PromptFormat, most: number): Checked {
  try {
    const tokens = [...format.encode(text), format.endToken];
    return tokens.length > most ? rejected('too long') : { kind: 'tokens', tokens };
  } catch {
    return rejected('text that this model cannot spell');
  }
}

export interface AdmissionRules {
  /** The round's pool of items. */
  readonly items: readonly TaskItem[];
  /** The items that the author draws, so that it cannot choose easy ones. */
  readonly drawn: readonly number[];
  readonly reward: RewardRule;
  /** Most completions of one item by one author. */
  readonly completionsPerItem: number;
  /** `any`: a text in the tokens of another model is put into the own ones. `one`: it is refused. */
  readonly models: ModelFamilies;
  /** Most tokens of prompt and completion together. */
  readonly context: number;
}

/**
 * The reward of a completion's text, worked out here by the item's checker. Credits are by character, so a
 * tokenizer with longer tokens gets none.
 */
export function rewardOf(
  item: TaskItem,
  text: string,
  rule: RewardRule,
  tokens: number,
): Pick<ScoredSample, 'reward' | 'credits'> {
  const reward = item.check(text);
  if (rule === 'exact') return { reward: reward === 1 ? 1 : 0 };
  const characters = [...text].length;
  return {
    reward,
    credits: tokens >= characters && tokens <= characters + 1 ? item.credits(text) : undefined,
  };
}

/**
 * Admits the consistent completions of one author, each with its reward from the item's checker. The others
 * are rejected one by one: a bad completion does not affect its neighbours.
 */
export function admit(
  groups: readonly AnswerGroup[],
  format: PromptFormat,
  rules: AdmissionRules,
): Admission {
  const { items, drawn, reward, completionsPerItem } = rules;
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
    const most = format.maxTokens.answer;
    const prompt = promptOrNothing({ context: rules.context, maxTokens: most }, () => format.answer(item));
    if (prompt === undefined) {
      reject(group, 0, 'question does not fit this model');
      continue;
    }
    group.completions.slice(0, completionsPerItem).forEach((completion, sample) => {
      const result = checked(completion, format, rules, most);
      if (result.kind === 'rejected') {
        reject(group, sample, result.reason);
        return;
      }
      const { tokens, logprobs } = result;
      samples.push({
        item: group.item,
        prompt,
        tokens,
        logprobs,
        ...rewardOf(item, completion.text, reward, tokens.length),
      });
    });
  }
  return { samples, rejections };
}
