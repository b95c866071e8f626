/**
 * Group-relative policy optimisation (DeepSeekMath, arXiv 2402.03300) over shared rollouts (SAPO, arXiv
 * 2509.08721): which samples are drawn and with what advantage. Neither needs a model, so a replay decides
 * the same from the published texts.
 */
import { canon } from '../compute/repops/arithmetic.ts';
import { must } from '../protocol/must.ts';
import type { DrawSequence } from '../protocol/philox.ts';

/** One completion of a prompt with the reward that this device's task checker gave it. */
export interface ScoredSample {
  /** Index of the item among the round's items. */
  readonly item: number;
  /** The tokens that the model continued. */
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
  /**
   * Log-probability of each token under the weights that sampled it. Absent for a text of another model:
   * those of the own weights before the step then take their place, so that the ratio starts at 1.
   */
  readonly logprobs?: readonly number[];
  readonly reward: number;
  /** Credit of each token. Only for tasks that give credit by place. */
  readonly credits?: readonly number[];
}

/** A sample to be trained on. */
export interface AdvantagedSample extends ScoredSample {
  /** Advantage of each token, canonical f32. Not all are 0. */
  readonly advantages: readonly number[];
}

/**
 * (reward - mean) / standard deviation of the group, each canonical f32. Undefined when all rewards are
 * equal, because such a group teaches nothing. Sums run in order and every f64 operation used is exactly
 * rounded, so every JavaScript engine gives the same bits.
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

/** SAPO's I and J: the numbers of own and of foreign samples to train on. */
export interface MixSizes {
  readonly own: number;
  readonly foreign: number;
}

/**
 * How foreign samples are drawn. `samples`: evenly of all, so that whoever publishes more is drawn more.
 * `authors`: evenly too, and no author gives more than its share of the places.
 */
export const FOREIGN_DRAWS = ['samples', 'authors'] as const;
export type ForeignDraw = (typeof FOREIGN_DRAWS)[number];

export interface MixOptions<T> {
  readonly own: readonly T[];
  /** The samples of each author, those of authors without any included. */
  readonly foreign: readonly (readonly T[])[];
  readonly sizes: MixSizes;
  readonly draws: DrawSequence;
  readonly foreignDraw: ForeignDraw;
}

/**
 * Draws I of the own samples and J of the foreign samples, evenly and without replacement. When one side has
 * too few, the other side fills up to I + J, so that a lone peer trains on as many samples as a peer among
 * others. By `authors`, n authors have a share of places / n each, rounded up: places that one leaves free go
 * to nobody else, so an author with many samples neither displaces the few of others nor outweighs them.
 */
export function mixSamples<T>(options: MixOptions<T>): readonly T[] {
  const { own, foreign, sizes, draws, foreignDraw } = options;
  const total = sizes.own + sizes.foreign;
  const places = Math.max(sizes.foreign, total - own.length);
  const share = Math.ceil(places / Math.max(1, foreign.length));
  const candidates =
    foreignDraw === 'samples' ? foreign : foreign.map((each) => draws.shuffle(each).slice(0, share));
  const offered = candidates.flat();
  const foreignCount = Math.min(offered.length, places);
  const ownCount = Math.min(own.length, total - foreignCount);
  return [...draws.shuffle(own).slice(0, ownCount), ...draws.shuffle(offered).slice(0, foreignCount)];
}

/**
 * Gives the members of a group their advantages and drops members without one. When every member has credits
 * by place, a token is compared only with the tokens at the same place (GRPO with process supervision, arXiv
 * 2402.03300, section 4.1.3: a step is one token, and later steps do not count, since the right character of
 * a place does not depend on the characters before it). Otherwise every token has the advantage of the whole
 * completion. With `successesOnly`, negative advantages become 0: a failure is not trained on.
 */
export function advantaged(
  group: readonly ScoredSample[],
  { successesOnly = false }: { readonly successesOnly?: boolean } = {},
): readonly AdvantagedSample[] {
  const byPlace = group.every(({ tokens, credits }) => (credits?.length ?? 0) >= tokens.length);
  const all = byPlace ? placeAdvantages(group) : wholeAdvantages(group);
  if (all === undefined) return [];
  const advantages = successesOnly ? all.map((each) => each.map((value) => Math.max(0, value))) : all;
  return group
    .map((sample, index) => ({ ...sample, advantages: must(advantages, index) }))
    .filter((sample) => sample.advantages.some((advantage) => advantage !== 0));
}

function wholeAdvantages(group: readonly ScoredSample[]): readonly (readonly number[])[] | undefined {
  const advantages = groupAdvantages(group.map((sample) => sample.reward));
  return advantages && group.map(({ tokens }, index) => tokens.map(() => must(advantages, index)));
}

function placeAdvantages(group: readonly ScoredSample[]): readonly (readonly number[])[] {
  const advantages = group.map(({ tokens }) => tokens.map(() => 0));
  const longest = Math.max(0, ...group.map(({ tokens }) => tokens.length));
  for (let place = 0; place < longest; place++) {
    const members = group.flatMap(({ tokens, credits = [] }, row) =>
      place < tokens.length ? [{ row, credit: must(credits, place) }] : [],
    );
    groupAdvantages(members.map(({ credit }) => credit))?.forEach((advantage, member) => {
      must(advantages, must(members, member).row)[place] = advantage;
    });
  }
  return advantages;
}

/**
 * Shuffles samples into `count` minibatches of nearly equal size. Empty minibatches are left out. Each
 * minibatch becomes one optimizer step.
 */
export function shuffleIntoMinibatches<T>(
  members: readonly T[],
  count: number,
  draws: DrawSequence,
): readonly T[][] {
  const minibatches: T[][] = Array.from({ length: count }, () => []);
  draws.shuffle(members).forEach((member, index) => {
    must(minibatches, index % count).push(member);
  });
  return minibatches.filter((minibatch) => minibatch.length > 0);
}
