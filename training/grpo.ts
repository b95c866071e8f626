/**
 * Group-relative policy optimisation (DeepSeekMath, arXiv 2402.03300) over shared rollouts (SAPO, arXiv 2509.08721):
 * which samples are trained on and with what advantage. No model is needed for either, so that a replay can decide
 * the same from the published texts alone.
 */
import { canon } from '../compute/repops/arithmetic.ts';
import type { DrawSequence } from '../protocol/philox.ts';

/** One completion of a prompt with the reward that the task's checker gave it here. */
export interface ScoredSample {
  /** Index of the item among the round's items. */
  readonly item: number;
  /** The text that was continued. */
  readonly prompt: string;
  readonly tokens: readonly number[];
  /** Of each token under the weights that sampled it. */
  readonly logprobs: readonly number[];
  readonly reward: number;
  /** Of each token, where the task gives credit by place. */
  readonly credits?: readonly number[];
}

/** A sample to be trained on. */
export interface AdvantagedSample extends ScoredSample {
  /** Of each token, canonical f32; not all 0. */
  readonly advantages: readonly number[];
}

/**
 * (reward - mean) / standard deviation of the group, each canonical f32; undefined when all rewards are equal, because
 * such a group says nothing. Sums run in order and each f64 operation used is exactly rounded, so that every engine
 * of JavaScript gives the same bits.
 */
export function groupAdvantages(rewards: readonly number[]): readonly number[] | undefined {
  const [first] = rewards;
  if (first === undefined || rewards.every((reward) => reward === first)) return undefined;
  let sum = 0;
  for (const reward of rewards) sum += reward;
  const mean = sum / rewards.length;
  let squares = 0;
  for (const reward of rewards) squares += (reward - mean) * (reward - mean);
  const deviation = Math.sqrt(squares / rewards.length);
  return rewards.map((reward) => canon((reward - mean) / deviation));
}

/** SAPO's I and J: how many own and how many foreign samples are trained on. */
export interface MixSizes {
  readonly own: number;
  readonly foreign: number;
}

/**
 * `own` of the own samples and `foreign` of the others', each drawn evenly without replacement. Where one side has too
 * few, the other fills up to I + J, so that a peer alone may train on as many samples as one among others.
 */
export function mixSamples<T>(
  own: readonly T[],
  foreign: readonly T[],
  sizes: MixSizes,
  draws: DrawSequence,
): readonly T[] {
  const total = sizes.own + sizes.foreign;
  const foreignCount = Math.min(foreign.length, Math.max(sizes.foreign, total - own.length));
  const ownCount = Math.min(own.length, total - foreignCount);
  return [...draws.shuffle(own).slice(0, ownCount), ...draws.shuffle(foreign).slice(0, foreignCount)];
}

/**
 * Gives the members of a group their advantages and leaves out those that get none. Where every member has credits by
 * place, a token is compared with the others' tokens at its place alone (GRPO with process supervision, arXiv 2402.03300,
 * section 4.1.3, a step being a token and later steps not counted: the right character of a place does not depend on the
 * ones before). Else every token has the advantage of the whole completion.
 */
export function advantaged(group: readonly ScoredSample[]): readonly AdvantagedSample[] {
  const byPlace = group.every(({ tokens, credits }) => (credits?.length ?? 0) >= tokens.length);
  const advantages = byPlace ? placeAdvantages(group) : wholeAdvantages(group);
  return group
    .map((sample, index) => ({ ...sample, advantages: advantages[index] ?? [] }))
    .filter((sample) => sample.advantages.some((advantage) => advantage !== 0));
}

function wholeAdvantages(group: readonly ScoredSample[]): readonly (readonly number[])[] {
  const advantages = groupAdvantages(group.map((sample) => sample.reward));
  if (advantages === undefined) return [];
  return group.map(({ tokens }, index) => tokens.map(() => advantages[index] ?? 0));
}

function placeAdvantages(group: readonly ScoredSample[]): readonly (readonly number[])[] {
  const advantages = group.map(({ tokens }) => tokens.map(() => 0));
  const longest = Math.max(0, ...group.map(({ tokens }) => tokens.length));
  for (let place = 0; place < longest; place++) {
    const members = group.flatMap(({ tokens }, index) => (place < tokens.length ? [index] : []));
    const credits = members.map((index) => group[index]?.credits?.[place] ?? 0);
    groupAdvantages(credits)?.forEach((advantage, at) => {
      const row = advantages[members[at] ?? -1];
      if (row !== undefined) row[place] = advantage;
    });
  }
  return advantages;
}

/**
 * Deals samples into `count` minibatches of near equal size in random order; empty ones are left out. Each becomes
 * one optimizer step.
 */
export function dealMinibatches<T>(
  members: readonly T[],
  count: number,
  draws: DrawSequence,
): readonly T[][] {
  const hands: T[][] = Array.from({ length: count }, () => []);
  draws.shuffle(members).forEach((member, index) => {
    hands[index % count]?.push(member);
  });
  return hands.filter((hand) => hand.length > 0);
}
