/** How well a model answers, judges and corrects, evaluated on held-out questions only. */

import { must } from '../protocol/must.ts';
import { RandomStream, type StreamPurpose } from '../protocol/philox.ts';
import { approves } from './critique.ts';
import type { LearningSettings } from './learning-settings.ts';
import { mistake } from './mistakes.ts';
import type { Policy } from './policy-model.ts';
import { sample, sampleGreedy } from './sampling.ts';
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
  const requests = items.flatMap((question, item) => {
    const prompt = format.answer(question);
    return Array.from({ length: samples }, (_, sample) => ({ prompt, item, sample }));
  });
  const answers = await sample(policy, requests, evaluationStream('sampling'), {
    temperature: 1,
    maxTokens: maxTokens.answer,
    signal,
  });
  const graded = requests.map(({ item: index }, request) => {
    const item = must(items, index);
    return { task: item.task, right: item.check(must(answers, request).text) === 1 };
  });
  const byTask = (task: string) =>
    share(graded.filter((each) => each.task === task).map(({ right }) => right));

  const mistakes = evaluationStream('judging');
  const cases = items.slice(0, Math.ceil(items.length / 4)).map((item, index) => ({
    item,
    // The tasks take turns, so whole turns alternate between right and wrong answers.
    shown:
      Math.floor(index / tasks.taskIds.length) % 2 === 0
        ? item.answer
        : mistake(item.answer, mistakes.sequence(index)),
  }));
  const critiques = await sampleGreedy(
    policy,
    cases.map(({ item, shown }) => format.judge(item, shown)),
    { maxTokens: maxTokens.judge, signal },
  );
  const corrections = await sampleGreedy(
    policy,
    cases.map(({ item, shown }, index) => {
      const critique = must(critiques, index);
      return format.correct(item, shown, format.showable(critique) ? critique : shown);
    }),
    { maxTokens: maxTokens.correct, signal },
  );
  return {
    answering: share(graded.map(({ right }) => right)),
    judging: share(
      cases.map(
        ({ item, shown }, index) => approves(item, must(critiques, index), shown) === (shown === item.answer),
      ),
    ),
    correcting: share(cases.map(({ item }, index) => item.check(must(corrections, index)) === 1)),
    answeringByTask: Object.fromEntries(tasks.taskIds.map((id) => [id, byTask(id)])),
  };
}

/** What a model answers to a held-out question. */
export interface SampleAnswer {
  readonly prompt: string;
  readonly expected: string;
  readonly text: string;
}

/** The most likely answers to the first `count` of the fixed held-out questions. */
export async function answerHeldOut(
  policy: Policy,
  settings: LearningSettings,
  tasks: TaskSource,
  { count, signal }: { readonly count: number; readonly signal?: AbortSignal },
): Promise<readonly SampleAnswer[]> {
  const items = tasks.heldOutItems(Math.min(count, settings.heldOutItems));
  const texts = await sampleGreedy(
    policy,
    items.map((item) => policy.format.answer(item)),
    { maxTokens: policy.format.maxTokens.answer, signal },
  );
  return items.map(({ prompt, answer }, index) => ({
    prompt,
    expected: answer,
    text: must(texts, index),
  }));
}

/** Share of the fixed held-out questions whose most likely answer is right. */
export async function greedyAccuracy(
  policy: Policy,
  settings: LearningSettings,
  tasks: TaskSource,
): Promise<number> {
  const items = tasks.heldOutItems(settings.heldOutItems);
  const answers = await sampleGreedy(
    policy,
    items.map((item) => policy.format.answer(item)),
    { maxTokens: policy.format.maxTokens.answer },
  );
  return share(items.map((item, index) => item.check(must(answers, index)) === 1));
}
