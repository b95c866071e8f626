/** Why an answer has its score, for people. */
import type { AnswerGroup } from '../protocol/trainer.ts';
import type { TaskItem } from './tasks/task.ts';

export interface AnswerExplanation {
  readonly item: number;
  /** Place among the author's answers to the item. */
  readonly sample: number;
  /** The checker's score, 0 to 1. */
  readonly score: number;
  /** The answer that the text ends with, as the task reads it. At most 200 characters. */
  readonly answer: string;
  /** Why the score is what it is. At most 400 characters. */
  readonly sentence: string;
}

const LONGEST_ANSWER = 200;
const LONGEST_SENTENCE = 400;

/** Explains each answer of an author to the items of a round. Answers to unknown items are left out. */
export function explainAnswers(
  items: readonly TaskItem[],
  groups: readonly AnswerGroup[],
): readonly AnswerExplanation[] {
  return groups.flatMap(({ item: index, completions }) => {
    const item = items[index];
    if (item === undefined) return [];
    return completions.map(({ text }, sample) => ({
      item: index,
      sample,
      score: item.check(text),
      answer: clip(item.answerIn(text), LONGEST_ANSWER),
      sentence: clip(item.explain(text), LONGEST_SENTENCE),
    }));
  });
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
