/**
 * What the swarm asks of a trainer. The swarm never sees an engine or a model: whoever composes a volunteer (the page
 * or a Node process) passes a trainer in. The training room implements it.
 */
import type { DeviceAddress, Hex } from './hex.ts';

export interface Completion {
  readonly text: string;
  /** Token ids of the completion, end token included when it was drawn. */
  readonly tokens: readonly number[];
  /** Log-probability of each token under the author's weights, canonical f32. */
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
  /** Root of the checkpoint that sampled these. */
  readonly modelRoot: Hex;
  readonly groups: readonly AnswerGroup[];
}

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
  /** What the words say. */
  readonly right: boolean;
}

export interface PeerJudgements {
  readonly critic: DeviceAddress;
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

export interface RoundContext {
  readonly round: number;
  /** 32 bytes from the chain; items, sampling and peer choice follow from it. */
  readonly seed: Hex;
  readonly device: DeviceAddress;
}

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

export interface Trainer {
  /** The items' prompts of a round, in order, for people to read. */
  prompts(
    context: RoundContext,
  ): Promise<readonly { readonly task: string; readonly prompt: string; readonly answer: string }[]>;
  /** Samples own completions for every item of the round. */
  answer(context: RoundContext, signal: AbortSignal): Promise<RolloutSet>;
  /** Judges k other peers' answers with the own model. */
  critique(
    context: RoundContext,
    others: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<readonly Judgement[]>;
  vote(
    context: RoundContext,
    all: readonly PeerRollouts[],
    critiques: readonly PeerJudgements[],
    signal: AbortSignal,
  ): Promise<{ readonly ballots: readonly Ballot[]; readonly corrections: readonly Correction[] }>;
  /** One round of GRPO on own and foreign rollouts; returns once the new checkpoint is stored durably. */
  train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<RoundOutcome>;
}
