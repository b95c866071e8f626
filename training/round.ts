/**
 * One round of training as a pure function of the weights before it, the round and the published rollouts: what a
 * volunteer does and a replay recomputes.
 */
import { narrowPeers } from '../protocol/peer-selection.ts';
import type { PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { admit, type Refusal } from './admission.ts';
import { type Codec, completionText, promptTokens } from './codec.ts';
import { type AdvantagedSample, advantaged, dealMinibatches, mixSamples, type ScoredSample } from './grpo.ts';
import { correctPrompt, isPlainAnswer, judgePrompt } from './prompts.ts';
import { itemsOf, roundStream, type Speaker, say } from './rollouts.ts';
import { policyBatch } from './sequences.ts';
import type { LearningSettings } from './settings.ts';
import type { TaskItem } from './tasks/task.ts';

/** A round's published rollouts. */
export interface RoundRollouts {
  readonly own: PeerRollouts;
  readonly foreign: readonly PeerRollouts[];
}

/** The foreign rollout sets that a round trains on: those that the swarm selected, at most `peersPerRound`, by author. */
export function choosePeers(
  settings: LearningSettings,
  context: RoundContext,
  foreign: readonly PeerRollouts[],
): readonly PeerRollouts[] {
  return narrowPeers('train', foreign, settings.peersPerRound, context);
}

export interface RoundSelection {
  /** What is trained on. */
  readonly samples: readonly AdvantagedSample[];
  /** All that was admitted, by item, own first, then by author. */
  readonly groups: readonly (readonly ScoredSample[])[];
  /** Mean reward of the own completions; refused ones count 0. */
  readonly meanReward: number;
  readonly refusals: readonly Refusal[];
}

/**
 * Checks, scores and mixes own and foreign rollouts; `foreign` as chosen by `choosePeers`. Everyone's completions of one
 * item are one group: an item that nobody here solves still says something when one peer does. Items that say nothing
 * are dropped, and of the rest I own and J foreign samples per item of the round are drawn evenly.
 */
export function selectSamples(
  settings: LearningSettings,
  context: RoundContext,
  codec: Codec,
  { own, foreign }: RoundRollouts,
): RoundSelection {
  const items = itemsOf(context, settings);
  const limits = { completionsPerItem: settings.samplesPerItem };
  const mine = admit(own.set.groups, items, codec, limits);
  const theirs = foreign.map(({ set }) => admit(set.groups, items, codec, limits));
  // Identity of the published array: two authors may well have equal samples.
  const ownLogprobs = new Set(mine.samples.map(({ logprobs }) => logprobs));
  const groups = items.map((_, item) =>
    [mine, ...theirs].flatMap(({ samples }) => samples.filter((sample) => sample.item === item)),
  );
  const telling = groups.flatMap((group) =>
    advantaged(group).map((sample) => ({ sample, own: ownLogprobs.has(sample.logprobs) })),
  );
  const samples = mixSamples(
    telling.filter((entry) => entry.own).map((entry) => entry.sample),
    telling.filter((entry) => !entry.own).map((entry) => entry.sample),
    { own: settings.mix.own * items.length, foreign: settings.mix.foreign * items.length },
    roundStream(context, 'selection').sequence(0),
  );
  return {
    samples,
    groups,
    meanReward:
      mine.samples.reduce((sum, { reward }) => sum + reward, 0) / (items.length * settings.samplesPerItem),
    refusals: [mine, ...theirs].flatMap(({ refusals }) => refusals.map(({ reason }) => reason)),
  };
}

/** Practice on the other two forms takes its draws at these items of the practice stream. */
const JUDGING_PRACTICE = 0;
const CORRECTING_PRACTICE = 0x1000;

/**
 * Own samples of the judge and correct forms over answers of this round, scored by the checker: judging well is saying the
 * right answer, whatever was shown.
 */
async function practise(
  speaker: Speaker,
  settings: LearningSettings,
  context: RoundContext,
  groups: RoundSelection['groups'],
): Promise<readonly AdvantagedSample[]> {
  const items = itemsOf(context, settings);
  const stream = roundStream(context, 'practice');
  const shown = stream
    .sequence(0, 0x1000)
    .shuffle(
      groups.flatMap((group) =>
        group.map(({ item, tokens }) => ({ item, text: completionText(speaker.codec, tokens) })),
      ),
    )
    .filter(({ text }) => isPlainAnswer(text))
    .slice(0, settings.practicePrompts);
  const trial = (item: number, prompt: string, at: number): Trial => ({ item, prompt, at });
  const judged = await sampleTrials(
    speaker,
    settings,
    context,
    shown.map(({ item, text }, index) =>
      trial(item, judgePrompt(items[item]?.prompt ?? '', text), JUDGING_PRACTICE + index),
    ),
    items,
  );
  const corrected = await sampleTrials(
    speaker,
    settings,
    context,
    shown.flatMap(({ item, text }, index) => {
      const critique = completionText(speaker.codec, judged[index]?.[0]?.tokens ?? []);
      if (!isPlainAnswer(critique)) return [];
      const prompt = correctPrompt(items[item]?.prompt ?? '', text, critique);
      return [trial(item, prompt, CORRECTING_PRACTICE + index)];
    }),
    items,
  );
  return [...judged, ...corrected].flatMap(advantaged);
}

interface Trial {
  readonly item: number;
  readonly prompt: string;
  /** Where its draws are in the practice stream. */
  readonly at: number;
}

/** `samplesPerItem` scored completions of each trial. */
async function sampleTrials(
  speaker: Speaker,
  settings: LearningSettings,
  context: RoundContext,
  trials: readonly Trial[],
  items: readonly TaskItem[],
): Promise<readonly (readonly ScoredSample[])[]> {
  const count = settings.samplesPerItem;
  const completions = await say(
    speaker,
    trials.flatMap(({ prompt, at }) =>
      Array.from({ length: count }, (_, sample) => ({ prompt, item: at, sample })),
    ),
    roundStream(context, 'practice'),
    { temperature: settings.temperature },
  );
  return trials.map(({ item, prompt }, index) =>
    completions.slice(index * count, (index + 1) * count).map(({ text, tokens, logprobs }) => ({
      item,
      prompt,
      tokens,
      logprobs,
      reward: items[item]?.check(text) ?? 0,
      credits: items[item]?.credits(text),
    })),
  );
}

export interface RoundTraining {
  readonly optimizerSteps: number;
  /** Samples with an advantage, practice included. */
  readonly trainedSamples: number;
  /** Mean over the steps; 0 when nothing said anything. */
  readonly loss: number;
  readonly meanReward: number;
  readonly refusals: readonly Refusal[];
}

/**
 * Trains the session's weights by one round of GRPO. The session must hold the weights before the round; afterwards it
 * holds those after it, and when this throws it must be restored.
 */
export async function trainRound(
  speaker: Speaker,
  settings: LearningSettings,
  context: RoundContext,
  rollouts: RoundRollouts,
  signal?: AbortSignal,
): Promise<RoundTraining> {
  const { session, codec } = speaker;
  const selection = selectSamples(settings, context, codec, rollouts);
  const practice =
    settings.practicePrompts > 0 ? await practise(speaker, settings, context, selection.groups) : [];
  const samples = [...selection.samples, ...practice];
  const draws = roundStream(context, 'order').sequence(0);
  let loss = 0;
  let optimizerSteps = 0;
  for (const minibatch of dealMinibatches(samples, settings.stepsPerRound, draws)) {
    signal?.throwIfAborted();
    const rows = minibatch.map((sample) => ({
      prompt: promptTokens(codec, sample.prompt),
      completion: sample.tokens,
      advantages: sample.advantages,
      oldLogprobs: sample.logprobs,
    }));
    const result = await session.step(policyBatch(rows, settings.learningRate));
    loss += result.loss;
    optimizerSteps += 1;
  }
  return {
    optimizerSteps,
    trainedSamples: samples.length,
    loss: optimizerSteps === 0 ? 0 : loss / optimizerSteps,
    meanReward: selection.meanReward,
    refusals: selection.refusals,
  };
}
