/**
 * The computation of one round. `LearningTrainer` and `replayRound` share it, so that both give the same
 * bits.
 */

import type { Engine } from '../compute/engines/engine.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { type EvalMetrics, evaluate } from './evaluation.ts';
import type { LearningCheckpoint } from './learning-checkpoint.ts';
import { optimizerOf } from './learning-settings.ts';
import type { Round } from './open-round.ts';
import { choosePeers, type RoundRollouts, type RoundTraining, trainRound } from './round.ts';
import type { Policy } from './sampling.ts';

/**
 * A policy in training, and the session on which its weights are evaluated: another session or the same one.
 */
export interface TrainablePolicy extends Policy {
  readonly evaluationSession: ModelSession;
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
 * Trains a policy whose session holds the weights from before the round, then evaluates it. Reads only the
 * configuration, the settings and the key of `before`. When this function throws, the caller must restore the
 * sessions.
 */
export async function computeRound(
  policy: TrainablePolicy,
  before: LearningCheckpoint,
  round: Round,
  published: RoundRollouts,
  signal?: AbortSignal,
): Promise<ComputedRound> {
  const { session, evaluationSession, tokenizer } = policy;
  const { own } = published;
  const foreign = choosePeers(round, published.foreign);
  const training = await trainRound(policy, round, { own, foreign }, signal);
  const state = await session.snapshot();
  if (evaluationSession !== session) await evaluationSession.restore(state);
  const metrics = await evaluate({ session: evaluationSession, tokenizer }, before.settings, round.tasks, {
    signal,
  });
  return {
    checkpoint: { ...before, state, cursor: round.context.round + 1 },
    trainedOn: [own.cid, ...foreign.map(({ cid }) => cid)],
    training,
    metrics,
  };
}

/** A session that holds a checkpoint's weights and optimizer state. Throws EngineMemoryError. */
export async function openSession(engine: Engine, checkpoint: LearningCheckpoint): Promise<ModelSession> {
  const { config, state, settings } = checkpoint;
  const { parameters } = state;
  const session = await ModelSession.create({
    engine,
    config,
    parameters,
    optimizer: optimizerOf(settings),
  });
  try {
    await session.restore(state);
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
