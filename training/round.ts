/**
 * One round of training as a pure function of the weights before it, the round and the published rollouts. A
 * volunteer runs it and a replay recomputes it.
 */
import { must } from '../protocol/must.ts';
import { narrowPeers } from '../protocol/peer-selection.ts';
import type { PeerRollouts } from '../protocol/trainer.ts';
import { type Admission, admit, rewardOf, type SampleRejectReason } from './admission.ts';
import { type CompletionTokenizer, completionText, promptTokens } from './completion-tokenizer.ts';
import {
  type AdvantagedSample,
  advantaged,
  mixSamples,
  type ScoredSample,
  shuffleIntoMinibatches,
} from './grpo.ts';
import { learningRateOf } from './learning-settings.ts';
import type { Round } from './open-round.ts';
import { correctPrompt, isPlainAnswer, judgePrompt } from './prompts.ts';
import { type Policy, sample } from './sampling.ts';
import { policyBatch } from './sequences.ts';

/** A round's published rollouts. */
export interface RoundRollouts {
  readonly own: PeerRollouts;
  readonly foreign: readonly PeerRollouts[];
}

/**
 * The foreign rollout sets that a round trains on: the first `peersPerRound` that the swarm selected, by
 * author.
 */
export function choosePeers(round: Round, foreign: readonly PeerRollouts[]): readonly PeerRollouts[] {
  return narrowPeers('train', foreign, round.settings.peersPerRound, round.context.device);
}

export interface RoundSelection {
  /** The samples to train on. */
  readonly samples: readonly AdvantagedSample[];
  /** Every admitted own sample. */
  readonly own: readonly ScoredSample[];
  /** Mean reward of the own completions. A rejected completion counts 0. */
  readonly meanReward: number;
  readonly rejections: readonly SampleRejectReason[];
}

/**
 * Checks, scores and mixes own and foreign rollouts; `choosePeers` has chosen `foreign`. An author's
 * completions of one item form one group, so that no other author can move its mean. Groups without an
 * advantage are dropped. By the settings, foreign samples with a negative one are dropped too: what a
 * stranger publishes as a mistake was not one of the own model. Of the rest, I own and J foreign samples for
 * each answered item are drawn evenly.
 */
function selectSamples(
  round: Round,
  tokenizer: CompletionTokenizer,
  { own, foreign }: RoundRollouts,
): RoundSelection {
  const { items, settings } = round;
  const { successesOnly, mix } = settings;
  // A small data set has fewer questions than the settings ask for.
  const itemsAnswered = Math.min(settings.itemsAnswered, items.length);
  const admitted = ({ author, set }: PeerRollouts): Admission =>
    admit(set.groups, tokenizer, {
      items,
      drawn: round.drawOf(author),
      reward: settings.reward,
      completionsPerItem: settings.samplesPerItem,
    });
  const ownAdmission = admitted(own);
  const foreignAdmissions = foreign.map(admitted);
  const admissions = [ownAdmission, ...foreignAdmissions];
  const samples = mixSamples(
    informative(ownAdmission, successesOnly === 'all'),
    foreignAdmissions.flatMap((admission) => informative(admission, successesOnly !== 'none')),
    { own: mix.own * itemsAnswered, foreign: mix.foreign * itemsAnswered },
    round.stream('selection').sequence(0),
  );
  return {
    samples,
    own: ownAdmission.samples,
    meanReward:
      ownAdmission.samples.reduce((sum, { reward }) => sum + reward, 0) /
      (itemsAnswered * settings.samplesPerItem),
    rejections: admissions.flatMap(({ rejections }) => rejections.map(({ reason }) => reason)),
  };
}

/** One author's samples with an advantage over its other samples of the same item. */
function informative({ samples }: Admission, successesOnly: boolean): readonly AdvantagedSample[] {
  const items = new Set(samples.map(({ item }) => item));
  return [...items].flatMap((item) =>
    advantaged(
      samples.filter((sample) => sample.item === item),
      { successesOnly },
    ),
  );
}

/** Practice of the other two prompt forms draws at these items of the practice stream. */
const JUDGING_PRACTICE = 0;
const CORRECTING_PRACTICE = 0x1000;

/**
 * The device's own samples of the judge and correct forms over its own answers of this round, scored by the
 * checker. No text of a stranger is shown, so that strangers' wrong answers change no bit of the weights. A
 * judgement is right when it states the right answer, whatever answer was shown.
 */
async function practise(
  policy: Policy,
  round: Round,
  own: readonly ScoredSample[],
): Promise<readonly AdvantagedSample[]> {
  const { items, settings } = round;
  const shown = round
    .stream('practice')
    .sequence(0, 0x1000)
    .shuffle(own.map(({ item, tokens }) => ({ item, text: completionText(policy.tokenizer, tokens) })))
    .filter(({ text }) => isPlainAnswer(text))
    .slice(0, settings.practicePrompts);
  const judged = await samplePractice(
    policy,
    round,
    shown.map(({ item, text }, index) => ({
      item,
      prompt: judgePrompt(must(items, item).prompt, text),
      drawsAt: JUDGING_PRACTICE + index,
    })),
  );
  const corrected = await samplePractice(
    policy,
    round,
    shown.flatMap(({ item, text }, index) => {
      const critique = completionText(policy.tokenizer, must(must(judged, index), 0).tokens);
      if (!isPlainAnswer(critique)) return [];
      const prompt = correctPrompt(must(items, item).prompt, text, critique);
      return [{ item, prompt, drawsAt: CORRECTING_PRACTICE + index }];
    }),
  );
  return [...judged, ...corrected].flatMap((group) =>
    advantaged(group, { successesOnly: settings.successesOnly === 'all' }),
  );
}

interface PracticePrompt {
  readonly item: number;
  readonly prompt: string;
  /** Item number of its draws in the practice stream. */
  readonly drawsAt: number;
}

/** `samplesPerItem` scored completions of each prompt. */
async function samplePractice(
  policy: Policy,
  round: Round,
  prompts: readonly PracticePrompt[],
): Promise<readonly (readonly ScoredSample[])[]> {
  const { samplesPerItem: count, temperature } = round.settings;
  const completions = await sample(
    policy,
    prompts.flatMap(({ prompt, drawsAt }) =>
      Array.from({ length: count }, (_, sample) => ({ prompt, item: drawsAt, sample })),
    ),
    round.stream('practice'),
    { temperature },
  );
  return prompts.map(({ item, prompt }, index) =>
    completions.slice(index * count, (index + 1) * count).map(({ text, tokens, logprobs }) => ({
      item,
      prompt,
      tokens,
      logprobs,
      ...rewardOf(must(round.items, item), text, round.settings.reward),
    })),
  );
}

export interface RoundTraining {
  readonly optimizerSteps: number;
  /** Samples with an advantage, practice included. */
  readonly trainedSamples: number;
  /** Mean loss of the steps; 0 when there was no step. */
  readonly loss: number;
  readonly meanReward: number;
  readonly rejections: readonly SampleRejectReason[];
}

/**
 * Trains the session's weights by one round of GRPO. The session must hold the weights from before the round.
 * Afterwards it holds the weights from after the round. When this function throws, the caller must restore
 * the session.
 */
export async function trainRound(
  policy: Policy,
  round: Round,
  rollouts: RoundRollouts,
  signal?: AbortSignal,
): Promise<RoundTraining> {
  const { session, tokenizer } = policy;
  const { settings } = round;
  const selection = selectSamples(round, tokenizer, rollouts);
  const practice = settings.practicePrompts > 0 ? await practise(policy, round, selection.own) : [];
  const samples = [...selection.samples, ...practice];
  const draws = round.stream('order').sequence(0);
  let loss = 0;
  let optimizerSteps = 0;
  for (const minibatch of shuffleIntoMinibatches(samples, settings.stepsPerRound, draws)) {
    signal?.throwIfAborted();
    const rows = minibatch.map((sample) => ({
      prompt: promptTokens(tokenizer, sample.prompt),
      completion: sample.tokens,
      advantages: sample.advantages,
      oldLogprobs: sample.logprobs,
    }));
    const rate = learningRateOf(settings, { steps: session.steps, samples: minibatch.length });
    const result = await session.step(policyBatch(rows, rate));
    loss += result.loss;
    optimizerSteps += 1;
  }
  return {
    optimizerSteps,
    trainedSamples: samples.length,
    loss: optimizerSteps === 0 ? 0 : loss / optimizerSteps,
    meanReward: selection.meanReward,
    rejections: selection.rejections,
  };
}
