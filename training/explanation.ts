/** Why an answer has its reward, for people. */
import type { AnswerGroup } from '../protocol/trainer.ts';
import { rewardOf } from './admission.ts';
import type { RewardRule } from './learning-settings.ts';
import type { TaskItem } from './tasks/task.ts';

export interface AnswerExplanation {
  readonly item: number;
  /** Place among the author's answers to the item. */
  readonly sample: number;
  /** What training gives for the answer, 0 to 1. */
  readonly reward: number;
  /** The answer that the text ends with, as the task reads it. At most 200 characters. */
  readonly answer: string;
  /** Why the reward is what it is. At most 400 characters. */
  readonly sentence: string;
}

const LONGEST_ANSWER = 200;
const LONGEST_SENTENCE = 400;

/**
 * Explains each answer of an author to the items of a round, with the reward that training by this rule gives
 * it. Answers to unknown items are left out.
 */
export function explainAnswers(
  items: readonly TaskItem[],
  groups: readonly AnswerGroup[],
  rule: RewardRule,
): readonly AnswerExplanation[] {
  return groups.flatMap(({ item: index, completions }) => {
    const item = items[index];
    if (item === undefined) return [];
    return completions.map(({ text, tokens }, sample) => ({
      item: index,
      sample,
      reward: rewardOf(item, text, rule, tokens.length).reward,
      answer: clip(item.answerIn(text), LONGEST_ANSWER),
      sentence: clip(item.explain(text), LONGEST_SENTENCE),
    }));
  });
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
