/** Sampling: what a model answers, with draws that follow from the round, the device and the place alone. */

import type { ModelSession } from '../models/decoder/session.ts';
import { RandomStream, type StreamPurpose } from '../protocol/philox.ts';
import type { AnswerGroup, Completion, RoundContext } from '../protocol/trainer.ts';
import { type Codec, completionText, promptTokens } from './codec.ts';
import { answerPrompt, MAX_COMPLETION_TOKENS } from './prompts.ts';
import { seedBytes } from './seed.ts';
import type { LearningSettings } from './settings.ts';
import { roundItems } from './tasks/item-sets.ts';
import type { TaskItem } from './tasks/task.ts';

/** A model with the tokenizer that it was trained with. */
export interface Speaker {
  readonly session: ModelSession;
  readonly codec: Codec;
}

/** A prompt and where its draws are: two prompts of one purpose differ in item or sample. */
export interface Utterance {
  readonly prompt: string;
  readonly item: number;
  readonly sample: number;
}

/** The stream of one device's draws in one round for one purpose. */
export function roundStream(context: RoundContext, purpose: StreamPurpose): RandomStream {
  return RandomStream.named({
    seed: seedBytes(context.seed),
    round: context.round,
    device: context.device,
    purpose,
  });
}

/** The items that everyone answers in this round. */
export function itemsOf(context: RoundContext, settings: LearningSettings): readonly TaskItem[] {
  return roundItems(seedBytes(context.seed), settings.itemsPerRound, settings.plan);
}

export interface SayOptions {
  readonly temperature: number;
  readonly signal?: AbortSignal;
}

/** Samples one completion for each prompt. The draw of a token is addressed by (item, sample, position). */
export async function say(
  { session, codec }: Speaker,
  utterances: readonly Utterance[],
  stream: RandomStream,
  options: SayOptions,
): Promise<readonly Completion[]> {
  const generations = await session.generate({
    prompts: utterances.map(({ prompt }) => promptTokens(codec, prompt)),
    maxNewTokens: MAX_COMPLETION_TOKENS,
    endToken: codec.endToken,
    temperature: options.temperature,
    uniform: (row, position) => {
      const { item = 0, sample = 0 } = utterances[row] ?? {};
      return stream.uniform(item, sample, position);
    },
    signal: options.signal,
  });
  return generations.map(({ tokens, logprobs }) => ({
    text: completionText(codec, tokens),
    tokens,
    logprobs,
  }));
}

/** The most likely completion of each prompt, as text. */
export async function sayBest(
  { session, codec }: Speaker,
  prompts: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const generations = await session.generate({
    prompts: prompts.map((prompt) => promptTokens(codec, prompt)),
    maxNewTokens: MAX_COMPLETION_TOKENS,
    endToken: codec.endToken,
    greedy: true,
    uniform: () => 0,
    signal,
  });
  return generations.map(({ tokens }) => completionText(codec, tokens));
}

/** The answer stage: `samplesPerItem` completions for each of the round's items. */
export async function answerItems(
  speaker: Speaker,
  settings: LearningSettings,
  context: RoundContext,
  signal?: AbortSignal,
): Promise<readonly AnswerGroup[]> {
  const items = itemsOf(context, settings);
  const utterances = items.flatMap(({ prompt }, item) =>
    Array.from({ length: settings.samplesPerItem }, (_, sample) => ({
      prompt: answerPrompt(prompt),
      item,
      sample,
    })),
  );
  const completions = await say(speaker, utterances, roundStream(context, 'sampling'), {
    temperature: settings.temperature,
    signal,
  });
  return items.map((_, item) => ({
    item,
    completions: completions.slice(item * settings.samplesPerItem, (item + 1) * settings.samplesPerItem),
  }));
}
