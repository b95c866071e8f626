import { type CompletionTokenizer, completionText, promptTokens } from './completion-tokenizer.ts';
import type { PromptFormat } from './prompt-format.ts';
import { answerPrompt, correctPrompt, isPlainAnswer, judgePrompt, MAX_COMPLETION_TOKENS } from './prompts.ts';

/** The nano model's format: the bare marks of prompts.ts. `tokenizer` is the model's own. */
export function shortFormat(tokenizer: CompletionTokenizer): PromptFormat {
  return {
    id: 'short',
    endToken: tokenizer.endToken,
    maxTokens: {
      answer: MAX_COMPLETION_TOKENS,
      judge: MAX_COMPLETION_TOKENS,
      correct: MAX_COMPLETION_TOKENS,
    },
    answer: ({ prompt }) => promptTokens(tokenizer, answerPrompt(prompt)),
    judge: ({ prompt }, shown) => promptTokens(tokenizer, judgePrompt(prompt, shown)),
    correct: ({ prompt }, shown, critique) => promptTokens(tokenizer, correctPrompt(prompt, shown, critique)),
    showable: isPlainAnswer,
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => completionText(tokenizer, tokens),
  };
}
