/**
 * One round of training as a pure function of the weights before it, the round and the published rollouts. A
 * volunteer runs it and a replay recomputes it.
 */
import { must } from '../protocol/must.ts';
import { narrowPeers } from '../protocol/peer-selection.ts';
import type { PeerRollouts } from '../protocol/trainer.ts';
import { type Admission, admit, rewardOf, type SampleRejectReason } from './admission.ts';
import {
  type AdvantagedSample,
  advantaged,
  mixSamples,
  type ScoredSample,
  shuffleIntoMinibatches,
} from './grpo.ts';
import { learningRateOf } from './learning-settings.ts';
import { likelySamples } from './likely-samples.ts';
import type { Round } from './open-round.ts';
import type { Policy, PolicyModel } from './policy-model.ts';
import { promptFor, promptOrNothing } from './prompting.ts';
import { sample, scoreRows } from './sampling.ts';
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
  /** The own samples that were drawn. */
  readonly samples: readonly AdvantagedSample[];
  /** The samples of others that were drawn. */
  readonly foreign: readonly AdvantagedSample[];
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
  { format, model }: Policy,
  { own, foreign }: RoundRollouts,
): RoundSelection {
  const { items, settings } = round;
  const { successesOnly, mix } = settings;
  // A small data set has fewer questions than the settings ask for.
  const itemsAnswered = Math.min(settings.itemsAnswered, items.length);
  const admitted = ({ author, set }: PeerRollouts): Admission =>
    admit(set.groups, format, {
      items,
      drawn: round.drawOf(author),
      reward: settings.reward,
      completionsPerItem: settings.samplesPerItem,
      models: settings.models,
      context: model.config.context,
    });
  const ownAdmission = admitted(own);
  const foreignAdmissions = foreign.map(admitted);
  const admissions = [ownAdmission, ...foreignAdmissions];
  const ownSamples = informative(ownAdmission, successesOnly === 'all');
  const drawn = mixSamples({
    own: ownSamples,
    foreign: foreignAdmissions.map((admission) => informative(admission, successesOnly !== 'none')),
    sizes: { own: mix.own * itemsAnswered, foreign: mix.foreign * itemsAnswered },
    draws: round.stream('selection').sequence(0),
    foreignDraw: settings.foreignDraw,
  });
  const isOwn = new Set(ownSamples);
  return {
    samples: drawn.filter((sample) => isOwn.has(sample)),
    foreign: drawn.filter((sample) => !isOwn.has(sample)),
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
  const { format } = policy;
  const { context } = policy.model.config;
  const { items, settings } = round;
  const shown = round
    .stream('practice')
    .sequence(0, 0x1000)
    .shuffle(own.map(({ item, tokens }) => ({ item, text: format.decode(tokens) })))
    .filter(({ text }) => format.showable(text))
    .slice(0, settings.practicePrompts);
  const judged = await samplePractice(
    policy,
    round,
    shown.flatMap(({ item, text }, index) => {
      const prompt = promptOrNothing({ context, maxTokens: format.maxTokens.judge }, () =>
        format.judge(must(items, item), text),
      );
      return prompt === undefined ? [] : [{ item, prompt, drawsAt: JUDGING_PRACTICE + index }];
    }),
    format.maxTokens.judge,
  );
  const corrected = await samplePractice(
    policy,
    round,
    shown.flatMap(({ item, text }, index) => {
      const critique = judged.find(({ drawsAt }) => drawsAt === JUDGING_PRACTICE + index)?.samples[0];
      const said = critique === undefined ? '' : format.decode(critique.tokens);
      if (!format.showable(said)) return [];
      const prompt = promptOrNothing({ context, maxTokens: format.maxTokens.correct }, () =>
        format.correct(must(items, item), text, said),
      );
      return prompt === undefined ? [] : [{ item, prompt, drawsAt: CORRECTING_PRACTICE + index }];
    }),
    format.maxTokens.correct,
  );
  return [...judged, ...corrected].flatMap(({ samples }) =>
    advantaged(samples, { successesOnly: settings.successesOnly === 'all' }),
  );
}

interface PracticePrompt {
  readonly item: number;
  readonly prompt: readonly number[];
  /** Item number of its draws in the practice stream. */
  readonly drawsAt: number;
}

interface PracticeGroup {
  readonly drawsAt: number;
  readonly samples: readonly ScoredSample[];
}

/** `samplesPerItem` scored completions of each prompt. */
async function samplePractice(
  policy: Policy,
  round: Round,
  prompts: readonly PracticePrompt[],
  maxTokens: number,
): Promise<readonly PracticeGroup[]> {
  const { samplesPerItem: count, temperature } = round.settings;
  const completions = await sample(
    policy,
    prompts.flatMap(({ prompt, drawsAt }) =>
      Array.from({ length: count }, (_, sample) => ({ prompt, item: drawsAt, sample })),
    ),
    round.stream('practice'),
    { temperature, maxTokens },
  );
  return prompts.map(({ item, prompt, drawsAt }, index) => ({
    drawsAt,
    samples: completions.slice(index * count, (index + 1) * count).map(({ text, tokens, logprobs }) => ({
      item,
      prompt,
      tokens,
      logprobs,
      ...rewardOf(must(round.items, item), text, round.settings.reward, tokens.length),
    })),
  }));
}

/** A sample with the log-probabilities that its tokens' ratios start from. */
type ComparedSample = AdvantagedSample & { readonly logprobs: readonly number[] };

/** Works out with the weights before the round what other models' texts lack. */
async function withLogprobs(
  model: PolicyModel,
  samples: readonly AdvantagedSample[],
  signal: AbortSignal | undefined,
): Promise<readonly ComparedSample[]> {
  const lacking = samples.filter(({ logprobs }) => logprobs === undefined);
  const rows = lacking.map(({ prompt, tokens }) => ({ prompt, completion: tokens }));
  const scored = await scoreRows(model, rows, signal);
  let next = 0;
  return samples.map((sample) => ({ ...sample, logprobs: sample.logprobs ?? must(scored, next++) }));
}

export interface RoundTraining {
  readonly optimizerSteps: number;
  /** Samples that were trained on, practice included. */
  readonly trainedSamples: number;
  /** Mean loss of the steps; 0 when there was no step. */
  readonly loss: number;
  readonly meanReward: number;
  readonly rejections: readonly SampleRejectReason[];
  /** Items that the device drew and could not answer. */
  readonly skipped: readonly SkippedItem[];
}

/** An item whose prompt does not fit the model, with a sentence that tells why. */
export interface SkippedItem {
  readonly item: number;
  readonly reason: string;
}

function skippedItems({ model, format }: Policy, round: Round): readonly SkippedItem[] {
  const room = { context: model.config.context, maxTokens: format.maxTokens.answer };
  return round.drawOf(round.context.device).flatMap((item) => {
    const prompted = promptFor(room, () => format.answer(must(round.items, item)));
    return prompted.kind === 'skipped' ? [{ item, reason: prompted.reason }] : [];
  });
}

/**
 * Trains the model by one round of GRPO. It must hold the weights from before the round. Afterwards it holds
 * the weights from after the round. When this function throws, the caller must restore the model.
 */
export async function trainRound(
  policy: Policy,
  round: Round,
  rollouts: RoundRollouts,
  signal?: AbortSignal,
): Promise<RoundTraining> {
  const { model } = policy;
  const { settings } = round;
  const selection = selectSamples(round, policy, rollouts);
  const practice = settings.practicePrompts > 0 ? await practise(policy, round, selection.own) : [];
  const { samples: drawn, foreign } = selection;
  const likely = await likelySamples(model, foreign, settings.foreignFloor, signal);
  const samples = await withLogprobs(model, [...drawn, ...likely, ...practice], signal);
  const draws = round.stream('order').sequence(0);
  let loss = 0;
  let optimizerSteps = 0;
  for (const minibatch of shuffleIntoMinibatches(samples, settings.stepsPerRound, draws)) {
    signal?.throwIfAborted();
    const rows = minibatch.map((sample) => ({
      prompt: sample.prompt,
      completion: sample.tokens,
      advantages: sample.advantages,
      oldLogprobs: sample.logprobs,
    }));
    const rate = learningRateOf(settings, { steps: model.steps, samples: minibatch.length });
    const result = await model.step(policyBatch(rows, rate));
    loss += result.loss;
    optimizerSteps += 1;
  }
  return {
    optimizerSteps,
    trainedSamples: samples.length,
    loss: optimizerSteps === 0 ? 0 : loss / optimizerSteps,
    meanReward: selection.meanReward,
    rejections: selection.rejections,
    skipped: skippedItems(policy, round),
  };
}
