/** Recomputes a round from what was published. */

import type { Engine } from '../compute/engines/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import type { Hex } from '../protocol/hex.ts';
import type { PeerRollouts, RolloutSet, RoundContext } from '../protocol/trainer.ts';
import { computeRound } from './compute-round.ts';
import type { EvalMetrics } from './evaluation.ts';
import { readCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import { type BaseWeights, type ModelMemory, openPolicyModel } from './open-policy-model.ts';
import { openRound } from './open-round.ts';
import type { PromptFormat } from './prompt-format.ts';
import type { RoundTraining } from './round.ts';
import { answerItems } from './sampling.ts';
import type { TaskSource } from './tasks/task-source.ts';

export interface ReplayOptions extends ModelMemory {
  readonly engine: Engine;
  /** The format in which the device asks its model. */
  readonly format: PromptFormat;
  /** The tasks of the previous checkpoint's settings. */
  readonly tasks: TaskSource;
  /** The base model of a checkpoint of adapters. */
  readonly base?: BaseWeights;
  /** The checkpoint before the round, as published. */
  readonly previous: Uint8Array;
  readonly context: RoundContext;
  /** The device's own rollout set, the first of the round's `trainedOn`. */
  readonly own: PeerRollouts;
  /** The other rollout sets of the round's `trainedOn`. */
  readonly foreign: readonly PeerRollouts[];
  readonly signal?: AbortSignal;
}

export interface Replay {
  /** The checkpoint that an honest trainer has after the round. */
  readonly checkpoint: Uint8Array;
  readonly root: Hex;
  /** The rollouts that an honest trainer published in the round. */
  readonly rollouts: RolloutSet;
  readonly training: RoundTraining;
  readonly metrics: EvalMetrics;
}

/**
 * Recomputes a round on any engine. Throws what reading a bad checkpoint throws, and what `openRound`
 * and `openPolicyModel` throw.
 */
export async function replayRound(options: ReplayOptions): Promise<Replay> {
  const { format, own, foreign, signal } = options;
  const before = readCheckpoint(options.previous);
  const round = openRound(options.context, before.settings, options.tasks);
  const model = await openPolicyModel({ ...options, checkpoint: before });
  try {
    const policy = { model, evaluationModel: model, format };
    const groups = await answerItems(policy, round, signal);
    const computed = await computeRound(policy, before, round, { own, foreign }, signal);
    const checkpoint = writeCheckpoint(computed.checkpoint);
    return {
      checkpoint,
      root: checkpointRoot(checkpoint),
      rollouts: { author: options.context.device, modelRoot: checkpointRoot(options.previous), groups },
      training: computed.training,
      metrics: computed.metrics,
    };
  } finally {
    await model.dispose();
  }
}
