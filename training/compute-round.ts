/**
 * The computation of one round. `LearningTrainer` and `replayRound` share it, so that both give the same
 * bits.
 */

import { type EvalMetrics, evaluate } from './evaluation.ts';
import { type LearningCheckpoint, withState } from './learning-checkpoint.ts';
import type { Round } from './open-round.ts';
import type { Policy, PolicyModel } from './policy-model.ts';
import { choosePeers, type RoundRollouts, type RoundTraining, trainRound } from './round.ts';

/**
 * A policy in training, and the model on which its weights are evaluated: the same one, or another that holds
 * the same weights on another engine.
 */
export interface TrainablePolicy extends Policy {
  readonly evaluationModel: PolicyModel;
}

export interface ComputedRound {
  /** The checkpoint after the round. */
  readonly checkpoint: LearningCheckpoint;
  /** CIDs of the rollout sets trained on, own first. */
  readonly trainedOn: readonly string[];
  readonly training: RoundTraining;
  readonly metrics: EvalMetrics;
}

/**
 * Trains a policy whose model holds the weights from before the round. Reads everything of `before` but its
 * state. When this function throws, the caller must restore the model.
 */
export async function computeState(
  policy: Policy,
  before: LearningCheckpoint,
  round: Round,
  published: RoundRollouts,
  signal?: AbortSignal,
): Promise<Omit<ComputedRound, 'metrics'>> {
  const { own } = published;
  const foreign = choosePeers(round, published.foreign);
  const training = await trainRound(policy, round, { own, foreign }, signal);
  const state = await policy.model.snapshot();
  return {
    checkpoint: withState(before, state, round.context.round + 1),
    trainedOn: [own.cid, ...foreign.map(({ cid }) => cid)],
    training,
  };
}

/** As `computeState`, and then evaluates the new state. */
export async function computeRound(
  policy: TrainablePolicy,
  before: LearningCheckpoint,
  round: Round,
  published: RoundRollouts,
  signal?: AbortSignal,
): Promise<ComputedRound> {
  const { model, evaluationModel, format } = policy;
  const computed = await computeState(policy, before, round, published, signal);
  if (evaluationModel !== model) await evaluationModel.restore(computed.checkpoint.state);
  const metrics = await evaluate({ model: evaluationModel, format }, before.settings, round.tasks, {
    signal,
  });
  return { ...computed, metrics };
}
