/** How a model is asked, and how its words are read. The format belongs to the model, not to the task. */
import type { TaskItem } from './tasks/task.ts';

/**
 * `short`: the nano model's bare marks (prompts.ts). `words`: the micro model's sentences. `chat`: a
 * checkpoint's own chat template.
 */
export type PromptFormatId = 'short' | 'words' | 'chat';

/** The three prompt forms as tokens, and the mapping between a completion's text and tokens. */
export interface PromptFormat {
  readonly id: PromptFormatId;
  /** Ends a completion. */
  readonly endToken: number;
  /** Other tokens that end a completion as well. Defaults to none. */
  readonly moreEndTokens?: readonly number[];
  /** Most tokens of a completion of each form, end token included. */
  readonly maxTokens: { readonly answer: number; readonly judge: number; readonly correct: number };
  /** The tokens that the model continues with its answer. */
  answer(item: TaskItem): readonly number[];
  /** Asks a critic about a shown answer. The shown answer must be `showable`. */
  judge(item: TaskItem, shown: string): readonly number[];
  /** Asks for a better answer in view of a critique. Shown answer and critique must be `showable`. */
  correct(item: TaskItem, shown: string, critique: string): readonly number[];
  /**
   * Whether a stranger's text may stand in a prompt: it has no mark that could pose as a part of the form.
   */
  showable(text: string): boolean;
  /**
   * Token ids of a completion's text, without the end token. Throws when the vocabulary lacks a character.
   */
  encode(text: string): readonly number[];
  /** Text of a completion's tokens. An end token at their end has no text. */
  decode(tokens: readonly number[]): string;
}
