/** Tasks in a few characters without spaces or words: the questions that the nano model is taught. */
import type { DrawSequence } from '../../../protocol/philox.ts';
import { drawQuestion } from '../draw-question.ts';
import type { Question, Task } from '../task.ts';

/** Most characters of a short question. Prompt forms with question and answers must fit nano's context. */
export const MAX_PROMPT_LENGTH = 20;
/** Most characters of a short answer. */
export const MAX_ANSWER_LENGTH = 8;

/** The part of a short task that differs between tasks. */
export interface ShortTaskRecipe {
  readonly id: string;
  readonly title: string;
  readonly difficulties: readonly string[];
  draw(draws: DrawSequence, difficulty: number): Question;
  /** True when each character counts by itself: a wrong text then earns up to a half for its right places. */
  readonly byPlace?: boolean;
}

/**
 * 1 for the answer. By place, another text of the same length earns half the share of its right characters.
 */
function score(text: string, answer: string, byPlace: boolean): number {
  if (text === answer) return 1;
  if (!byPlace || text.length !== answer.length) return 0;
  let right = 0;
  for (let place = 0; place < answer.length; place++) {
    if (text.charAt(place) === answer.charAt(place)) right += 1;
  }
  return right / (2 * answer.length);
}

function creditsByPlace(text: string, answer: string): readonly number[] {
  const places = [...text].map((character, place): number => (character === answer.charAt(place) ? 1 : 0));
  return [...places, text.length === answer.length ? 1 : 0];
}

/** Makes a task of version 1 from a recipe. The whole text is the answer, and is checked exactly. */
export function defineShortTask(recipe: ShortTaskRecipe): Task {
  const { id, title, difficulties, byPlace = false } = recipe;
  return {
    id,
    version: 1,
    title,
    difficulties,
    sample(options) {
      const question = drawQuestion(recipe, options);
      return {
        ...question,
        task: id,
        difficulty: options.difficulty,
        check: (text) => score(text, question.answer, byPlace),
        answerIn: (text) => text,
        explain: (text) =>
          text === question.answer ? 'The answer is right.' : `The right answer is ${question.answer}.`,
        credits: (text) => (byPlace ? creditsByPlace(text, question.answer) : undefined),
      };
    },
  };
}
