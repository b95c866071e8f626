/**
 * How a published checkpoint is asked: in its own chat template. The answer may reason first, and stands
 * between `<answer>` and `</answer>`. A stranger's text is quoted between marks that it cannot spell.
 */

import type { ChatMessage, ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import { TokenizerError } from '../models/tokenizer/tokenizer-error.ts';
import { must } from '../protocol/must.ts';
import type { PromptFormat } from './prompt-format.ts';

export interface ChatFormatOptions {
  readonly tokenizer: ChatTokenizer;
  /** The tokens that end the model's answers, the one that its template writes first. At least one. */
  readonly endTokens: readonly number[];
  /** Most tokens of an answer. */
  readonly answerTokens: number;
  /** Most tokens of a critique or a correction. */
  readonly critiqueTokens: number;
}

const FORM =
  'You may think first. Then give only the final answer, without a sentence around it, between <answer> and </answer>.';
/** What a model is told before each question. */
export const ANSWERING = `Answer the question. ${FORM}`;
const JUDGING = `Somebody answered a question. Say in one sentence what is wrong with the answer, if anything is. ${FORM}`;
const CORRECTING = `You answered a question and a critic replied. The critic may be wrong. Answer the question again. ${FORM}`;

/** Names of the marks around quoted texts. */
const SHOWN = 'shown_answer';
const CRITIQUE = 'critique';
const MARK = new RegExp(`<\\s*/?\\s*(?:${SHOWN}|${CRITIQUE})`, 'i');

/** Most characters of one token of any known vocabulary. */
const TOKEN_CHARACTERS = 128;

/** Throws TokenizerError when the tokenizer has no chat template or the template refuses a question. */
export function chatFormat(options: ChatFormatOptions): PromptFormat {
  const { tokenizer, answerTokens, critiqueTokens } = options;
  const [endToken, ...moreEndTokens] = options.endTokens;
  if (endToken === undefined) {
    throw new TokenizerError('the model names no token that ends an answer; use another model');
  }
  const ends = new Set(options.endTokens);
  const takesSystem = acceptsSystem(tokenizer);
  const ask = (instruction: string, ...parts: readonly string[]): readonly number[] => {
    const text = parts.join('\n\n');
    const messages: readonly ChatMessage[] = takesSystem
      ? [
          { role: 'system', content: instruction },
          { role: 'user', content: text },
        ]
      : [{ role: 'user', content: `${instruction}\n\n${text}` }];
    return tokenizer.encodeChat(messages);
  };
  const roleMarks = roleMarksOf(tokenizer);
  // A text that was drawn token by token may take more tokens when it is read again.
  const longest = 2 * Math.max(answerTokens, critiqueTokens);

  /** Whether a text has no mark of the form, whatever the tokenizer's normaliser makes of it. */
  const showable = (text: string): boolean => {
    if (text.trim() === '' || text.length > longest * TOKEN_CHARACTERS) return false;
    try {
      const tokens = tokenizer.encode(text);
      if (tokens.length > longest) return false;
      return [text, tokenizer.decode(tokens)].every(
        (each) => !MARK.test(each) && !roleMarks.some((mark) => each.includes(mark)),
      );
    } catch {
      // A special token, or a character that the vocabulary lacks.
      return false;
    }
  };

  return {
    id: 'chat',
    endToken,
    moreEndTokens,
    maxTokens: { answer: answerTokens, judge: critiqueTokens, correct: critiqueTokens },
    answer: ({ prompt }) => ask(ANSWERING, prompt),
    judge: ({ prompt }, shown) => ask(JUDGING, prompt, quoted(SHOWN, shown)),
    correct: ({ prompt }, shown, critique) =>
      ask(CORRECTING, prompt, quoted(SHOWN, shown), quoted(CRITIQUE, critique)),
    showable,
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => {
      const last = tokens.length > 0 ? must(tokens, tokens.length - 1) : endToken;
      const body = ends.has(last) ? tokens.slice(0, -1) : tokens;
      // A model may have more ids than its tokenizer, and random weights do draw them.
      return tokenizer.decode(body.filter((id) => tokenizer.knows(id)));
    },
  };
}

function quoted(mark: string, text: string): string {
  return `<${mark}>\n${text}\n</${mark}>`;
}

/** Whether the template has a place for instructions. Some refuse a system message. */
function acceptsSystem(tokenizer: ChatTokenizer): boolean {
  try {
    const text = tokenizer.chatText([
      { role: 'system', content: 'instruction' },
      { role: 'user', content: 'question' },
    ]);
    return text.includes('instruction');
  } catch (error) {
    if (!tokenizer.hasChatTemplate) throw error;
    return false;
  }
}

/**
 * What the template itself writes between messages and is no plain word, such as `[/INST]`: in some templates
 * no special token, so that a text could spell it and pose as another speaker.
 */
function roleMarksOf(tokenizer: ChatTokenizer): readonly string[] {
  const [first, second, third] = ['aaaaqaaaa', 'bbbbqbbbb', 'ccccqcccc'];
  const text = tokenizer.chatText([
    { role: 'user', content: first },
    { role: 'assistant', content: second },
    { role: 'user', content: third },
  ]);
  const words = [first, second, third]
    .reduce((rest, content) => rest.split(content).join('\n'), text)
    .split(/\s+/);
  return [...new Set(words)].filter((word) => word.length > 1 && /[^\p{L}\p{N}.,:;!?'"-]/u.test(word));
}
