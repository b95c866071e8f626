/** Tasks in a sentence or two, answered with a short reasoning that ends with `The answer is X.` */
import type { DrawSequence } from '../../../protocol/philox.ts';
import type { ExpectedAnswer } from '../checkers.ts';
import { drawQuestion } from '../draw-question.ts';
import type { Question, Task } from '../task.ts';

export interface WordQuestion extends Question {
  /** The reasoning in short sentences, without the answer's own sentence. */
  readonly steps: readonly string[];
  /** What the answer is compared with. Defaults to what the recipe's `expect` makes of the answer. */
  readonly expected?: ExpectedAnswer;
}

/** The part of a word task that differs between tasks. */
export interface WordTaskRecipe {
  readonly id: string;
  readonly title: string;
  readonly difficulties: readonly string[];
  expect(answer: string): ExpectedAnswer;
  draw(draws: DrawSequence, difficulty: number): WordQuestion;
}

/** Makes a task of version 1 from a recipe. */
export function defineWordTask(recipe: WordTaskRecipe): Task {
  const { id, title, difficulties } = recipe;
  return {
    id,
    version: 1,
    title,
    difficulties,
    sample(options) {
      const { steps, expected, ...question } = drawQuestion(recipe, options);
      const { extract, accepts, explain } = expected ?? recipe.expect(question.answer);
      const right = (text: string) => accepts(extract(text));
      return {
        ...question,
        task: id,
        difficulty: options.difficulty,
        solution: [...steps, `The answer is ${question.answer}.`].join(' '),
        check: (text) => (right(text) ? 1 : 0),
        answerIn: extract,
        explain: (text) => (right(text) ? 'The answer is right.' : explain(extract(text))),
        credits: () => undefined,
      };
    },
  };
}
