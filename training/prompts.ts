/**
 * The nano model's own tiny language. The same question has three forms, each continued by the model up to the end
 * token:
 *
 *     answer    12+7=              19
 *     judge     12+7=18?           19
 *     correct   12+7=18?19!        19
 *
 * A critic says what it would have answered; its words call the shown answer right when they repeat it. A bare yes or
 * no was tried and stayed at chance (docs/decisions/0002-judging-by-restating.md).
 */
import { MAX_ANSWER_LENGTH } from './tasks/task.ts';

/** Asks for the answer. */
export function answerPrompt(question: string): string {
  return `${question}=`;
}

/** Asks a critic about a shown answer, which must be plain. */
export function judgePrompt(question: string, shown: string): string {
  return `${question}=${shown}?`;
}

/** Asks for a better answer in view of a critique; both must be plain. */
export function correctPrompt(question: string, shown: string, critique: string): string {
  return `${question}=${shown}?${critique}!`;
}

/** The most tokens that a completion of any form may have, end token included. */
export const MAX_COMPLETION_TOKENS = MAX_ANSWER_LENGTH + 1;

const PLAIN = new RegExp(`^[0-9a-z]{1,${MAX_ANSWER_LENGTH}}$`);

/**
 * True for what an honest answer can look like. Anything else is never put into a prompt: with marks of the language
 * in it, an answer could speak for the critic.
 */
export function isPlainAnswer(text: string): boolean {
  return PLAIN.test(text);
}

/** What a critic's words say about the shown answer. */
export function saysRight(words: string, shown: string): boolean {
  return words === shown;
}
