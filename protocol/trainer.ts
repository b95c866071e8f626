/**
 * The trainer as the swarm sees it. The swarm never sees an engine or a model: whoever composes a volunteer
 * (the page or a Node process) passes a trainer in. training/ implements it.
 */
import type { DeviceAddress, Hex } from './hex.ts';
import type { Standing } from './standing.ts';

/** One text that a model sampled after a prompt. */
export interface Completion {
  readonly text: string;
  /** Token ids of the completion. Includes the end token when it was drawn. */
  readonly tokens: readonly number[];
  /** Log-probability of each token under the author's weights, at temperature 1, canonical f32. */
  readonly logprobs: readonly number[];
}

/** One task item of a round and one author's completions for it. */
export interface AnswerGroup {
  /** Index of the item among the round's items; prompt and checker follow from (seed, item). */
  readonly item: number;
  readonly completions: readonly Completion[];
}

/** Everything one author answered in one round. */
export interface RolloutSet {
  /**
   * The device that answered. It is part of the content, so equal texts of two authors have different CIDs.
   */
  readonly author: DeviceAddress;
  /** Root of the checkpoint that sampled these. */
  readonly modelRoot: Hex;
  readonly groups: readonly AnswerGroup[];
}

/** A rollout set as one author published it. */
export interface PeerRollouts {
  readonly author: DeviceAddress;
  /** CIDv1 (dag-cbor, sha2-256) of the published object. */
  readonly cid: string;
  readonly set: RolloutSet;
}

/** One answer judged by a critic's model. */
export interface Judgement {
  readonly item: number;
  readonly author: DeviceAddress;
  readonly sample: number;
  /** The critic's own words. */
  readonly text: string;
  /** Whether the words say that the answer is right. */
  readonly right: boolean;
}

/** Everything one critic judged in one round. */
export interface PeerJudgements {
  readonly critic: DeviceAddress;
  /** What the chain says of the critic. It decides what its judgements weigh. */
  readonly standing: Standing;
  readonly judgements: readonly Judgement[];
}

/** A vote for the best answer to one item. */
export interface Ballot {
  readonly item: number;
  readonly author: DeviceAddress;
  readonly sample: number;
}

/** The voter's own first answer to an item, corrected after reading the critiques. */
export interface Correction {
  readonly item: number;
  readonly text: string;
}

/** Everything that a round's draws follow from. */
export interface RoundContext {
  readonly round: number;
  /** 32 bytes from the chain. Items, sampling and the selection of peers follow from it. */
  readonly seed: Hex;
  /** The device that takes part. */
  readonly device: DeviceAddress;
}

/** What a round of training gave. */
export interface RoundOutcome {
  readonly previousRoot: Hex;
  readonly checkpointRoot: Hex;
  /** The checkpoint after this round (safetensors, optimizer state included), as published. */
  readonly checkpoint: Uint8Array;
  /** CIDs of the rollout sets trained on, own first, then foreign in training order. */
  readonly trainedOn: readonly string[];
  readonly optimizerSteps: number;
  /** Mean checker score of own answers this round, 0 to 1. */
  readonly meanReward: number;
  /** Exact-match accuracy on held-out items, 0 to 1. */
  readonly heldOutAccuracy: number;
  readonly loss: number;
}

/**
 * One device's trainer. Calls come one at a time. testing/trainer-contract.ts tests the rules:
 *
 * - [TR-01] Every device has the same prompts in a round.
 * - [TR-02] A device draws items of the round. Its answers name it as their author and are to those items,
 *   each at most once, with a finite f32 log-probability for each token.
 * - [TR-03] Answers follow from the checkpoint and the context: the same context gives the same answers.
 * - [TR-04] Judgements are of published answers of others, and follow from the context and those answers.
 * - [TR-05] Ballots are for published answers of others, at most one for each item.
 * - [TR-06] Corrections are of own answers, at most one for each item.
 * - [TR-07] Training names its own rollouts first, then the foreign ones that it used, each once.
 * - [TR-08] Each round goes on from the checkpoint that the round before it made.
 * - [TR-09] A call that is aborted rejects with the signal's reason, and the trainer is as before the call.
 * - [TR-10] A round is trained once.
 */
export interface Trainer {
  /** The items' prompts of a round, in order, for people to read. */
  prompts(
    context: RoundContext,
  ): Promise<readonly { readonly task: string; readonly prompt: string; readonly answer: string }[]>;
  /** Samples own completions for the items of the round that the device draws. */
  answer(context: RoundContext, signal: AbortSignal): Promise<RolloutSet>;
  /** Judges answers of other peers with the own model. */
  critique(
    context: RoundContext,
    others: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<readonly Judgement[]>;
  /** Votes for the best answers of others and corrects own ones. `all` holds own answers too. */
  vote(
    context: RoundContext,
    all: readonly PeerRollouts[],
    critiques: readonly PeerJudgements[],
    signal: AbortSignal,
  ): Promise<{ readonly ballots: readonly Ballot[]; readonly corrections: readonly Correction[] }>;
  /**
   * One round of GRPO on own and foreign rollouts. Resolves once the new checkpoint is stored durably.
   * Rejects for a round that was already trained.
   */
  train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<RoundOutcome>;
}
