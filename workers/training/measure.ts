/** How well a model answers, judges and corrects, measured on held-out questions alone. */
import { heldOutItems } from '../tasks/item-sets.ts';
import type { TaskItem, TaskName } from '../tasks/task.ts';
import { mistake } from './mistakes.ts';
import { RandomStream } from './philox.ts';
import { answerPrompt, correctPrompt, isPlainAnswer, judgePrompt, saysRight } from './prompts.ts';
import { type Speaker, sayBest } from './rollouts.ts';
import type { LearningSettings } from './settings.ts';

export interface Skill {
  /** Held-out questions answered exactly, by the most likely answer. 0 to 1, as all of these. */
  readonly answering: number;
  /** Shown answers, half of them wrong, about which the verdict is right. */
  readonly judging: number;
  /** Wrong shown answers made right in view of the model's own critique. */
  readonly correcting: number;
  readonly answeringByTask: Readonly<Record<TaskName, number>>;
}

/** One held-out question and what a critic is shown: the answer for every other question, and a mistake. */
interface Case {
  readonly item: TaskItem;
  readonly shown: string;
  readonly wrong: string;
}

function casesOf(settings: LearningSettings): readonly Case[] {
  const stream = RandomStream.named({
    seed: new TextEncoder().encode('starling held-out mistakes, first edition'),
    round: 0,
    device: '',
    purpose: 'judging',
  });
  return heldOutItems(settings.heldOutItems, settings.plan).map((item, index) => {
    const wrong = mistake(item.answer, stream.sequence(index));
    // The tasks take turns, so that the halves must be dealt by whole turns.
    return { item, wrong, shown: Math.floor(index / 4) % 2 === 0 ? item.answer : wrong };
  });
}

function share<T>(members: readonly T[], test: (member: T, index: number) => boolean): number {
  return members.length === 0 ? 0 : members.filter(test).length / members.length;
}

/** Measures all three forms on the fixed held-out questions; greedy, so that it is a function of the weights alone. */
export async function measureSkill(
  speaker: Speaker,
  settings: LearningSettings,
  signal?: AbortSignal,
): Promise<Skill> {
  const cases = casesOf(settings);
  const answers = await sayBest(
    speaker,
    cases.map(({ item }) => answerPrompt(item.prompt)),
    signal,
  );
  // Half as many questions for the two costlier forms.
  const hard = cases.slice(0, Math.ceil(cases.length / 2));
  const verdicts = await sayBest(
    speaker,
    hard.flatMap(({ item, shown, wrong }) => [
      judgePrompt(item.prompt, shown),
      judgePrompt(item.prompt, wrong),
    ]),
    signal,
  );
  const wordsOnShown = hard.map((_, index) => verdicts[2 * index] ?? '');
  const wordsOnWrong = hard.map((_, index) => verdicts[2 * index + 1] ?? '');
  const corrections = await sayBest(
    speaker,
    hard.map(({ item, wrong }, index) => {
      const words = wordsOnWrong[index] ?? '';
      return isPlainAnswer(words)
        ? correctPrompt(item.prompt, wrong, words)
        : judgePrompt(item.prompt, wrong);
    }),
    signal,
  );
  const right = (item: TaskItem, index: number) => item.check(answers[index] ?? '') === 1;
  const byTask = (task: TaskName) => {
    const indexed = cases
      .map(({ item }, index) => ({ item, index }))
      .filter(({ item }) => item.task === task);
    return share(indexed, ({ item, index }) => right(item, index));
  };
  return {
    answering: share(cases, ({ item }, index) => right(item, index)),
    judging: share(
      hard,
      ({ shown, item }, index) => saysRight(wordsOnShown[index] ?? '', shown) === (item.check(shown) === 1),
    ),
    correcting: share(hard, ({ item }, index) => item.check(corrections[index] ?? '') === 1),
    answeringByTask: {
      sums: byTask('sums'),
      sorting: byTask('sorting'),
      gcd: byTask('gcd'),
      reversing: byTask('reversing'),
    },
  };
}
