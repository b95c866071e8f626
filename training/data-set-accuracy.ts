/** How many of a data set's held-out questions a model answers right, through the whole pipe. */

import { must } from '../protocol/must.ts';
import type { Policy } from './policy-model.ts';
import { type Prompted, promptFor } from './prompting.ts';
import { sampleGreedy } from './sampling.ts';
import type { TaskItem } from './tasks/task.ts';

/** One held-out question, and what became of it. */
export type MeasuredQuestion =
  | { readonly item: TaskItem; readonly kind: 'skipped'; readonly reason: string }
  | {
      readonly item: TaskItem;
      readonly kind: 'answered';
      /** Everything that the model wrote. */
      readonly text: string;
      /** The answer that the extraction found in it. */
      readonly found: string;
      readonly right: boolean;
    };

export interface DataSetAccuracy {
  /** Share of all questions that are answered right. A skipped question counts as a wrong answer. */
  readonly accuracy: number;
  readonly questions: readonly MeasuredQuestion[];
}

/**
 * Asks a model each question in its own prompt format, takes its most likely answer, extracts the final
 * answer from its text and checks it. Throws RangeError when there is no question.
 */
export async function measureQuestions(
  policy: Policy,
  items: readonly TaskItem[],
  signal?: AbortSignal,
): Promise<DataSetAccuracy> {
  if (items.length === 0) throw new RangeError('There is no question to measure: name at least one.');
  const { format, model } = policy;
  const maxTokens = format.maxTokens.answer;
  const room = { context: model.config.context, maxTokens };
  const prompted = items.map((item): Prompted => promptFor(room, () => format.answer(item)));
  const prompts = prompted.flatMap((each) => (each.kind === 'prompt' ? [each.tokens] : []));
  const texts = await sampleGreedy(policy, prompts, { maxTokens, signal });
  let answered = 0;
  const questions = items.map((item, index): MeasuredQuestion => {
    const each = must(prompted, index);
    if (each.kind === 'skipped') return { item, ...each };
    const text = must(texts, answered++);
    return { item, kind: 'answered', text, found: item.answerIn(text), right: item.check(text) === 1 };
  });
  const right = questions.filter((each) => each.kind === 'answered' && each.right).length;
  return { accuracy: right / questions.length, questions };
}
