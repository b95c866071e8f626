/** The prompt format of any model, from its own files. */
import type { ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import { chatFormat } from './chat-format.ts';
import type { LearningSettings } from './learning-settings.ts';
import type { PromptFormat } from './prompt-format.ts';
import { taughtFormat } from './taught-format.ts';

export interface ModelFormatOptions {
  readonly tokenizer: ChatTokenizer;
  /** The tokens that end the model's answers (`GenerationDefaults.endTokens`). */
  readonly endTokens: readonly number[];
  readonly settings: Pick<LearningSettings, 'answerTokens' | 'critiqueTokens'>;
}

/**
 * A model with a chat template is asked in it, and one that was taught here in the format that it was taught.
 * Throws TokenizerError for a model with neither.
 */
export function modelFormat({ tokenizer, endTokens, settings }: ModelFormatOptions): PromptFormat {
  if (!tokenizer.hasChatTemplate) return taughtFormat(tokenizer);
  const { answerTokens, critiqueTokens } = settings;
  return chatFormat({ tokenizer, endTokens: turnEnd(tokenizer, endTokens), answerTokens, critiqueTokens });
}

/**
 * The end tokens, the one first that the template writes after an answer. A base model often names another
 * one, that ends a document.
 */
function turnEnd(tokenizer: ChatTokenizer, endTokens: readonly number[]): readonly number[] {
  const answer = 'aaaaqaaaa';
  const text = tokenizer.chatText(
    [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: answer },
    ],
    { addGenerationPrompt: false },
  );
  const after = tokenizer.encodeWithSpecial(text.slice(text.lastIndexOf(answer) + answer.length));
  const written = after.find((id) => tokenizer.isSpecial(id));
  return written === undefined ? endTokens : [written, ...endTokens.filter((id) => id !== written)];
}
