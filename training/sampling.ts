/** Sampling from a model. Every random draw is addressed by the request, so that a replay draws the same. */

import { must } from '../protocol/must.ts';
import type { RandomStream } from '../protocol/philox.ts';
import type { AnswerGroup, Completion } from '../protocol/trainer.ts';
import type { Round } from './open-round.ts';
import type { Policy, PolicyModel } from './policy-model.ts';
import type { PromptFormat } from './prompt-format.ts';
import { promptOrNothing } from './prompting.ts';
import { collate, type Row, rowsTogether } from './sequences.ts';

/** A prompt and the address of its draws. Two requests to one stream differ in item or sample. */
export interface SamplingRequest {
  readonly prompt: readonly number[];
  readonly item: number;
  readonly sample: number;
}

export interface SamplingOptions {
  /** Most tokens of a completion, end token included. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly signal?: AbortSignal;
}

/**
 * Samples one completion for each request. Each token's draw is addressed by (item, sample, position). The
 * log-probabilities are those of the weights, as the policy objective compares them, whatever the temperature
 * of the draws.
 */
export async function sample(
  { model, format }: Policy,
  requests: readonly SamplingRequest[],
  stream: RandomStream,
  options: SamplingOptions,
): Promise<readonly Completion[]> {
  const generations = await model.generate({
    prompts: requests.map(({ prompt }) => prompt),
    maxNewTokens: options.maxTokens,
    endToken: endTokensOf(format),
    temperature: options.temperature,
    uniform: (row, position) => {
      const request = must(requests, row);
      return stream.uniform(request.item, request.sample, position);
    },
    signal: options.signal,
  });
  const completions = generations.map(({ tokens, logprobs }) => ({
    text: format.decode(tokens),
    tokens,
    logprobs,
  }));
  if (options.temperature === 1 || requests.length === 0) return completions;
  const rows = requests.map(({ prompt }, row) => ({
    prompt,
    completion: must(completions, row).tokens,
  }));
  const logprobs = await scoreRows(model, rows, options.signal);
  return completions.map((completion, row) => ({ ...completion, logprobs: must(logprobs, row) }));
}

/** Most bytes of logits in one scoring run. */
const SCORE_BYTES = 1 << 28;

/**
 * The log-probability of each completion token under the model's weights, at temperature 1. As many rows run
 * together as memory holds, which changes no bit.
 */
export async function scoreRows(
  model: PolicyModel,
  rows: readonly Row[],
  signal?: AbortSignal,
): Promise<readonly (readonly number[])[]> {
  const scored: (readonly number[])[] = [];
  const longest = Math.max(1, ...rows.map(({ prompt, completion }) => prompt.length + completion.length));
  const together = rowsTogether(SCORE_BYTES / (4 * model.config.vocabulary * longest));
  for (let first = 0; first < rows.length; first += together) {
    scored.push(...(await scoreTogether(model, rows.slice(first, first + together), signal)));
  }
  return scored;
}

async function scoreTogether(
  model: PolicyModel,
  rows: readonly Row[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly number[])[]> {
  const collated = collate(rows);
  const scores = await model.score(collated, { signal });
  return rows.map(({ prompt, completion }, row) => {
    const start = row * collated.length + prompt.length - 1;
    return [...scores.slice(start, start + completion.length)];
  });
}

/** All tokens that end a completion of the format. */
export function endTokensOf({ endToken, moreEndTokens = [] }: PromptFormat): readonly number[] {
  return [endToken, ...moreEndTokens];
}

/** The most likely completion of each prompt, as text. */
export async function sampleGreedy(
  { model, format }: Policy,
  prompts: readonly (readonly number[])[],
  { maxTokens, signal }: Omit<SamplingOptions, 'temperature'>,
): Promise<readonly string[]> {
  const generations = await model.generate({
    prompts,
    maxNewTokens: maxTokens,
    endToken: endTokensOf(format),
    greedy: true,
    uniform: () => 0,
    signal,
  });
  return generations.map(({ tokens }) => format.decode(tokens));
}

/**
 * The answer stage: `samplesPerItem` completions for each of the items that the device draws and whose
 * prompts fit its model.
 */
export async function answerItems(
  policy: Policy,
  round: Round,
  signal?: AbortSignal,
): Promise<readonly AnswerGroup[]> {
  const { items, settings } = round;
  const { samplesPerItem, temperature } = settings;
  const { format, model } = policy;
  const maxTokens = format.maxTokens.answer;
  const asked = round.drawOf(round.context.device).flatMap((item) => {
    const room = { context: model.config.context, maxTokens };
    const prompt = promptOrNothing(room, () => format.answer(must(items, item)));
    return prompt === undefined ? [] : [{ item, prompt }];
  });
  const requests = asked.flatMap(({ item, prompt }) =>
    Array.from({ length: samplesPerItem }, (_, sample) => ({ prompt, item, sample })),
  );
  const completions = await sample(policy, requests, round.stream('sampling'), {
    temperature,
    maxTokens,
    signal,
  });
  return asked.map(({ item }, at) => ({
    item,
    completions: completions.slice(at * samplesPerItem, (at + 1) * samplesPerItem),
  }));
}
