/**
 * Prompts that fit a model. What does not fit is left out with a reason, and costs its neighbours nothing.
 */
import { TokenizerError } from '../models/tokenizer/tokenizer-error.ts';

export type Prompted =
  | { readonly kind: 'prompt'; readonly tokens: readonly number[] }
  /** `reason` is a sentence for people. */
  | { readonly kind: 'skipped'; readonly reason: string };

export interface PromptRoom {
  /** Most positions of a sequence that the model reads. */
  readonly context: number;
  /** Most tokens of the completion. */
  readonly maxTokens: number;
}

/**
 * The prompt that `make` makes, when the model's context has room for it and `maxTokens` more. Skips texts
 * that the tokenizer refuses, such as those that spell a special token.
 */
export function promptFor({ context, maxTokens }: PromptRoom, make: () => readonly number[]): Prompted {
  let tokens: readonly number[];
  try {
    tokens = make();
  } catch (error) {
    if (error instanceof TokenizerError) {
      return { kind: 'skipped', reason: `The model cannot read this question: ${error.message}.` };
    }
    throw error;
  }
  if (tokens.length + maxTokens <= context) return { kind: 'prompt', tokens };
  return {
    kind: 'skipped',
    reason:
      `The prompt has ${tokens.length} tokens and its completion up to ${maxTokens}, and the model reads ${context}: ` +
      'choose fewer tokens or a model with a longer context.',
  };
}

/** The prompt, or undefined when it is skipped. */
export function promptOrNothing(
  room: PromptRoom,
  make: () => readonly number[],
): readonly number[] | undefined {
  const prompted = promptFor(room, make);
  return prompted.kind === 'prompt' ? prompted.tokens : undefined;
}
