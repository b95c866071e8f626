/** Recomputes a round from what was published. */

import type { Engine } from '../compute/engines/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import type { Hex } from '../protocol/hex.ts';
import type { PeerRollouts, RolloutSet, RoundContext } from '../protocol/trainer.ts';
import { computeRound, computeState } from './compute-round.ts';
import type { EvalMetrics } from './evaluation.ts';
import { learningContents, readCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import { type BaseWeights, type ModelMemory, openPolicyModel } from './open-policy-model.ts';
import { openRound } from './open-round.ts';
import type { PromptFormat } from './prompt-format.ts';
import type { RoundTraining } from './round.ts';
import { answerItems } from './sampling.ts';
import type { TaskSource } from './tasks/task-source.ts';

/** What a replay computes with, and the checkpoint that it begins from. */
export interface ReplayStart extends ModelMemory {
  readonly engine: Engine;
  /** The format in which the device asks its model. */
  readonly format: PromptFormat;
  /** The tasks of the previous checkpoint's settings. */
  readonly tasks: TaskSource;
  /** The base model of a checkpoint of adapters. */
  readonly base?: BaseWeights;
  /** The checkpoint before the round, as published. */
  readonly previous: Uint8Array;
  readonly signal?: AbortSignal;
}

/** One round's draws and what was trained on in it. */
export interface PublishedRound {
  readonly context: RoundContext;
  /** The device's own rollout set, the first of the round's `trainedOn`. */
  readonly own: PeerRollouts;
  /** The other rollout sets of the round's `trainedOn`. */
  readonly foreign: readonly PeerRollouts[];
}

export interface ReplayOptions extends ReplayStart, PublishedRound {}

export interface RecomputeOptions extends ReplayStart {
  /** Rounds of one device, each going on from the one before it. */
  readonly rounds: readonly (PublishedRound & {
    /** Root that the device attested. */
    readonly root: Hex;
  })[];
}

/** The checkpoint after the last round, or the first round that does not give the attested root. */
export type Recomputed =
  | { readonly kind: 'checkpoint'; readonly checkpoint: Uint8Array }
  | { readonly kind: 'differs'; readonly index: number; readonly root: Hex };

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

/**
 * Recomputes the states of rounds from an earlier checkpoint: trains on what was published, samples and
 * evaluates nothing. Where each round gives the attested root, the last state is the one that the device had.
 * Throws as `replayRound` does.
 */
export async function recomputeState(options: RecomputeOptions): Promise<Recomputed> {
  const { format, tasks, rounds, signal } = options;
  let checkpoint = readCheckpoint(options.previous);
  const model = await openPolicyModel({ ...options, checkpoint });
  try {
    for (const [index, { context, own, foreign, root: attested }] of rounds.entries()) {
      signal?.throwIfAborted();
      const round = openRound(context, checkpoint.settings, tasks);
      const computed = await computeState({ model, format }, checkpoint, round, { own, foreign }, signal);
      checkpoint = computed.checkpoint;
      const root = checkpointRoot(learningContents(checkpoint), await model.roots());
      if (root !== attested) return { kind: 'differs', index, root };
    }
    return { kind: 'checkpoint', checkpoint: writeCheckpoint(checkpoint) };
  } finally {
    await model.dispose();
  }
}
