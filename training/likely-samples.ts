/** Which foreign samples are near enough to what the own model says to be trained on. */
import { must } from '../protocol/must.ts';
import type { AdvantagedSample } from './grpo.ts';
import type { LearningSettings } from './learning-settings.ts';
import type { PolicyModel } from './policy-model.ts';
import { scoreRows } from './sampling.ts';

/** A sample is left out when more than one of so many of its tokens is unlikely. */
const TOKENS_FOR_EACH_UNLIKELY = 10;

/**
 * Leaves out the samples of which more than a tenth of the tokens are less likely by the weights before the
 * round than the floor, and gives other such tokens no advantage. Unlikely tokens have the largest gradients
 * of all (arXiv 2505.12929), so that answers far from what the own model says turn each step, right as they
 * are, and whatever likelihood their author claims. `floor` is in nats; `none` leaves all as they are.
 */
export async function likelySamples(
  model: PolicyModel,
  samples: readonly AdvantagedSample[],
  floor: LearningSettings['foreignFloor'],
  signal?: AbortSignal,
): Promise<readonly AdvantagedSample[]> {
  if (floor === 'none') return samples;
  const rows = samples.map(({ prompt, tokens }) => ({ prompt, completion: tokens }));
  const scored = await scoreRows(model, rows, signal);
  return samples.flatMap((sample, at) => {
    const scores = must(scored, at);
    const unlikely = scores.filter((score) => score < floor).length;
    if (unlikely * TOKENS_FOR_EACH_UNLIKELY > scores.length) return [];
    const advantages = sample.advantages.map((each, token) => (must(scores, token) < floor ? 0 : each));
    if (!advantages.some((each) => each !== 0)) return [];
    // Texts of other models come without log-probabilities: these are the ones that they get.
    return [{ ...sample, advantages, logprobs: sample.logprobs ?? scores }];
  });
}
