/** How well a model answers, judges and corrects, evaluated on held-out questions only. */

import { must } from '../protocol/must.ts';
import { RandomStream, type StreamPurpose } from '../protocol/philox.ts';
import { approves } from './critique.ts';
import type { LearningSettings } from './learning-settings.ts';
import { mistake } from './mistakes.ts';
import type { Policy } from './policy-model.ts';
import { promptOrNothing } from './prompting.ts';
import { sample, sampleGreedy } from './sampling.ts';
import type { TaskItem } from './tasks/task.ts';
import type { TaskSource } from './tasks/task-source.ts';

/** Each metric is a share from 0 to 1. */
export interface EvalMetrics {
  /** Share of the answers sampled at temperature 1 that are exactly right. */
  readonly answering: number;
  /** Share of the shown answers, half of them wrong, about which the most likely verdict is right. */
  readonly judging: number;
  /**
   * Share of the shown answers, half of them wrong, that are right after the model's own critique and
   * correction.
   */
  readonly correcting: number;
  /** By the task's id. */
  readonly answeringByTask: Readonly<Record<string, number>>;
}

export interface EvaluateOptions {
  /** Sampled answers per question. Defaults to 1. */
  readonly samples?: number;
  readonly signal?: AbortSignal;
}

/** Fixed, so that every device evaluates with the same mistakes and the same draws. */
const SEED = new TextEncoder().encode('starling held-out measure, first edition');

function share(successes: readonly boolean[]): number {
  return successes.length === 0 ? 0 : successes.filter(Boolean).length / successes.length;
}

function evaluationStream(purpose: StreamPurpose): RandomStream {
  return RandomStream.named({ seed: SEED, round: 0, device: '', purpose });
}

/**
 * Evaluates all three prompt forms on the fixed held-out questions, and the two costlier forms on a quarter
 * of them. The draws are fixed too: the result is a function of the weights, and chance adds less to the
 * difference of two models.
 */
export async function evaluate(
  policy: Policy,
  settings: LearningSettings,
  tasks: TaskSource,
  options: EvaluateOptions = {},
): Promise<EvalMetrics> {
  const { samples = 1, signal } = options;
  const { format } = policy;
  const { maxTokens } = format;
  const items = tasks.heldOutItems(settings.heldOutItems);
  const { context } = policy.model.config;
  const requests = items.flatMap((question, item) => {
    const room = { context, maxTokens: maxTokens.answer };
    const prompt = promptOrNothing(room, () => format.answer(question));
    if (prompt === undefined) return [];
    return Array.from({ length: samples }, (_, sample) => ({ prompt, item, sample }));
  });
  const answers = await sample(policy, requests, evaluationStream('sampling'), {
    temperature: 1,
    maxTokens: maxTokens.answer,
    signal,
  });
  const answered = requests.map(({ item: index }, request) => {
    const item = must(items, index);
    return { task: item.task, right: item.check(must(answers, request).text) === 1 };
  });
  // A question that the model cannot read is one that it cannot answer.
  const asked = new Set(requests.map(({ item }) => item));
  const unread = items.flatMap(({ task }, item) =>
    asked.has(item) ? [] : Array.from({ length: samples }, () => ({ task, right: false })),
  );
  const graded = [...answered, ...unread];
  const byTask = (task: string) =>
    share(graded.filter((each) => each.task === task).map(({ right }) => right));

  const mistakes = evaluationStream('judging');
  const cases = items.slice(0, Math.ceil(items.length / 4)).flatMap((item, index) => {
    // The tasks take turns, so whole turns alternate between right and wrong answers.
    const asIs = Math.floor(index / tasks.taskIds.length) % 2 === 0;
    const shown = asIs ? item.answer : mistake(item.answer, mistakes.sequence(index));
    if (!format.showable(shown)) return [];
    const prompt = promptOrNothing({ context, maxTokens: maxTokens.judge }, () => format.judge(item, shown));
    return prompt === undefined ? [] : [{ item, shown, isRight: item.check(shown) === 1, prompt }];
  });
  const critiques = await sampleGreedy(
    policy,
    cases.map(({ prompt }) => prompt),
    { maxTokens: maxTokens.judge, signal },
  );
  const toCorrect = cases.flatMap(({ item, shown }, index) => {
    const critique = must(critiques, index);
    const prompt = promptOrNothing({ context, maxTokens: maxTokens.correct }, () =>
      format.correct(item, shown, format.showable(critique) ? critique : shown),
    );
    return prompt === undefined ? [] : [{ item, prompt }];
  });
  const corrections = await sampleGreedy(
    policy,
    toCorrect.map(({ prompt }) => prompt),
    { maxTokens: maxTokens.correct, signal },
  );
  return {
    answering: share(graded.map(({ right }) => right)),
    judging: share(
      cases.map(
        ({ item, shown, isRight }, index) => approves(item, must(critiques, index), shown) === isRight,
      ),
    ),
    correcting: share(toCorrect.map(({ item }, index) => item.check(must(corrections, index)) === 1)),
    answeringByTask: Object.fromEntries(tasks.taskIds.map((id) => [id, byTask(id)])),
  };
}

/** What a model answers to a held-out question. */
export interface SampleAnswer {
  readonly prompt: string;
  readonly expected: string;
  readonly text: string;
}

/** The most likely answers to the first `count` of the fixed held-out questions that the model can read. */
export async function answerHeldOut(
  policy: Policy,
  settings: LearningSettings,
  tasks: TaskSource,
  { count, signal }: { readonly count: number; readonly signal?: AbortSignal },
): Promise<readonly SampleAnswer[]> {
  const { items, texts } = await greedyAnswers(policy, tasks, Math.min(count, settings.heldOutItems), signal);
  return items.map(({ prompt, answer }, index) => ({ prompt, expected: answer, text: must(texts, index) }));
}

/** Share of the fixed held-out questions whose most likely answer is right. */
export async function greedyAccuracy(
  policy: Policy,
  settings: LearningSettings,
  tasks: TaskSource,
): Promise<number> {
  const { items, texts, of } = await greedyAnswers(policy, tasks, settings.heldOutItems);
  return items.filter((item, index) => item.check(must(texts, index)) === 1).length / Math.max(1, of);
}

async function greedyAnswers(
  { model, format }: Policy,
  tasks: TaskSource,
  count: number,
  signal?: AbortSignal,
): Promise<{ readonly items: readonly TaskItem[]; readonly texts: readonly string[]; readonly of: number }> {
  const maxTokens = format.maxTokens.answer;
  const all = tasks.heldOutItems(count);
  const asked = all.flatMap((item) => {
    const prompt = promptOrNothing({ context: model.config.context, maxTokens }, () => format.answer(item));
    return prompt === undefined ? [] : [{ item, prompt }];
  });
  const prompts = asked.map(({ prompt }) => prompt);
  const texts = await sampleGreedy({ model, format }, prompts, { maxTokens, signal });
  return { items: asked.map(({ item }) => item), texts, of: all.length };
}
