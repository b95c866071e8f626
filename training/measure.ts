/** How well a model answers, judges and corrects, measured on held-out questions alone. */

import { RandomStream, type StreamPurpose } from '../protocol/philox.ts';
import { mistake } from './mistakes.ts';
import { answerPrompt, correctPrompt, isPlainAnswer, judgePrompt, saysRight } from './prompts.ts';
import { type Speaker, say, sayBest } from './rollouts.ts';
import type { LearningSettings } from './settings.ts';
import { TASKS } from './tasks/catalogue.ts';
import { heldOutItems } from './tasks/item-sets.ts';
import type { TaskName } from './tasks/task.ts';

export interface Skill {
  /** Share of answers, sampled at temperature 1, that are exactly right. 0 to 1, as all of these. */
  readonly answering: number;
  /** Shown answers, half of them wrong, about which the most likely verdict is right. */
  readonly judging: number;
  /** Shown answers, half of them wrong, that are right after the model's own critique and correction, most likely words. */
  readonly correcting: number;
  readonly answeringByTask: Readonly<Record<TaskName, number>>;
}

export interface MeasureOptions {
  /** Sampled answers per question; 2 unless given. */
  readonly samples?: number;
  readonly signal?: AbortSignal;
}

/** Written here, so that everyone measures with the same mistakes and the same draws. */
const SEED = new TextEncoder().encode('starling held-out measure, first edition');

function share(successes: readonly boolean[]): number {
  return successes.length === 0 ? 0 : successes.filter(Boolean).length / successes.length;
}

function measureStream(purpose: StreamPurpose): RandomStream {
  return RandomStream.named({ seed: SEED, round: 0, device: '', purpose });
}

/**
 * Measures all three forms on the fixed held-out questions, the two costlier ones on half of them. The draws are fixed too:
 * a function of the weights alone, and less of a difference between two models is chance.
 */
export async function measureSkill(
  speaker: Speaker,
  settings: LearningSettings,
  options: MeasureOptions = {},
): Promise<Skill> {
  const { samples = 2, signal } = options;
  const items = heldOutItems(settings.heldOutItems, settings.plan);
  const utterances = items.flatMap(({ prompt }, item) =>
    Array.from({ length: samples }, (_, sample) => ({ prompt: answerPrompt(prompt), item, sample })),
  );
  const said = await say(speaker, utterances, measureStream('sampling'), { temperature: 1, signal });
  const right = utterances.map(({ item }, index) => items[item]?.check(said[index]?.text ?? '') === 1);
  const byTask = (task: TaskName) =>
    share(right.filter((_, index) => items[utterances[index]?.item ?? 0]?.task === task));

  const mistakes = measureStream('judging');
  const cases = items.slice(0, Math.ceil(items.length / 2)).map((item, index) => ({
    item,
    // The tasks take turns, so the halves are dealt by whole turns.
    shown:
      Math.floor(index / TASKS.length) % 2 === 0
        ? item.answer
        : mistake(item.answer, mistakes.sequence(index)),
  }));
  const words = await sayBest(
    speaker,
    cases.map(({ item, shown }) => judgePrompt(item.prompt, shown)),
    signal,
  );
  const corrections = await sayBest(
    speaker,
    cases.map(({ item, shown }, index) => {
      const critique = words[index] ?? '';
      return correctPrompt(item.prompt, shown, isPlainAnswer(critique) ? critique : shown);
    }),
    signal,
  );
  return {
    answering: share(right),
    judging: share(
      cases.map(({ item, shown }, index) => saysRight(words[index] ?? '', shown) === (shown === item.answer)),
    ),
    correcting: share(cases.map(({ item }, index) => item.check(corrections[index] ?? '') === 1)),
    answeringByTask: {
      sums: byTask('sums'),
      sorting: byTask('sorting'),
      gcd: byTask('gcd'),
      reversing: byTask('reversing'),
    },
  };
}

/** Share of the fixed held-out questions whose most likely answer is right. */
export async function greedyAccuracy(speaker: Speaker, settings: LearningSettings): Promise<number> {
  const items = heldOutItems(settings.heldOutItems, settings.plan);
  const answers = await sayBest(
    speaker,
    items.map(({ prompt }) => answerPrompt(prompt)),
  );
  return share(items.map((item, index) => item.check(answers[index] ?? '') === 1));
}
