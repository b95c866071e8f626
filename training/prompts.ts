/**
 * The prompt forms of the nano model. The same question has three forms. The model continues each up to the
 * end token:
 *
 *     answer    12+7=              19
 *     judge     12+7=18?           19
 *     correct   12+7=18?19!        19
 *
 * A critic says what it would have answered. A critique that repeats the shown answer calls it right. Asking
 * for a plain yes or no was tried and stayed at chance (docs/decisions/0002-judging-by-restating.md).
 */
import { MAX_ANSWER_LENGTH } from './tasks/short/short-task.ts';

/** Asks for the answer. */
export function answerPrompt(question: string): string {
  return `${question}=`;
}

/** Asks a critic about a shown answer. The shown answer must be plain. */
export function judgePrompt(question: string, shown: string): string {
  return `${question}=${shown}?`;
}

/** Asks for a better answer in view of a critique. Shown answer and critique must be plain. */
export function correctPrompt(question: string, shown: string, critique: string): string {
  return `${question}=${shown}?${critique}!`;
}

/** The most tokens that a completion of any form may have, end token included. */
export const MAX_COMPLETION_TOKENS = MAX_ANSWER_LENGTH + 1;

const PLAIN = new RegExp(`^[0-9a-z]{1,${MAX_ANSWER_LENGTH}}$`);

/**
 * True when an honest answer could look like this. No other text is put into a prompt: an answer with the
 * marks of a prompt form in it could pose as the critique.
 */
export function isPlainAnswer(text: string): boolean {
  return PLAIN.test(text);
}
