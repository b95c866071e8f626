/**
 * A round as arXiv 2509.08721 (SAPO) describes it: whole groups of own and foreign answers, failures with
 * them, foreign text taken as if the own weights had written it.
 */
import { must } from '../../protocol/must.ts';
import type { PeerRollouts } from '../../protocol/trainer.ts';
import { admit } from '../admission.ts';
import { type AdvantagedSample, advantaged } from '../grpo.ts';
import { learningRateOf } from '../learning-settings.ts';
import type { Round } from '../open-round.ts';
import type { Policy } from '../policy-model.ts';
import type { RoundRollouts } from '../round.ts';
import { collate, policyBatch } from '../sequences.ts';

/** Foreign groups that a peer trains on, the J of the paper. As many as it answers questions. */
const FOREIGN_GROUPS = 4;

/** The telling groups of one author: those in which some answers are right and others wrong. */
function tellingGroups(
  policy: Policy,
  round: Round,
  { author, set }: PeerRollouts,
): readonly (readonly AdvantagedSample[])[] {
  const { items, settings } = round;
  const { samples } = admit(set.groups, policy.format, {
    items,
    drawn: round.drawOf(author),
    reward: settings.reward,
    completionsPerItem: settings.samplesPerItem,
    models: settings.models,
    context: policy.model.config.context,
  });
  return [...new Set(samples.map(({ item }) => item))]
    .map((item) => advantaged(samples.filter((sample) => sample.item === item)))
    .filter((group) => group.length > 0);
}

/**
 * One optimizer step on all own groups and an even draw of the foreign ones. The ratio is 1: the
 * log-probabilities to compare with are those of the weights in training.
 */
export async function trainAsPublished(
  policy: Policy,
  round: Round,
  { own, foreign }: RoundRollouts,
): Promise<{ readonly trainedSamples: number }> {
  const draws = round.stream('selection').sequence(0);
  const groups = [
    ...tellingGroups(policy, round, own),
    ...draws.shuffle(foreign.flatMap((peer) => tellingGroups(policy, round, peer))).slice(0, FOREIGN_GROUPS),
  ];
  const rows = groups.flat().map((sample) => ({
    prompt: sample.prompt,
    completion: sample.tokens,
    advantages: sample.advantages,
  }));
  if (rows.length === 0) return { trainedSamples: 0 };
  const collated = collate(rows);
  const scores = await policy.model.score(collated);
  const rate = learningRateOf(round.settings, { steps: policy.model.steps, samples: rows.length });
  const scored = rows.map((row, index) => {
    const start = index * collated.length + row.prompt.length - 1;
    return {
      ...row,
      oldLogprobs: row.completion.map((_, position) => must(scores, start + position)),
    };
  });
  await policy.model.step(policyBatch(scored, rate));
  return { trainedSamples: rows.length };
}
