/**
 * A person's own text as training batches: documents, their tokens, and the window of tokens of each step.
 */
import type { ChatMessage, ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import { must } from '../protocol/must.ts';

/** A text cannot be trained on. The message tells what to change. */
export class TrainingTextError extends Error {
  override readonly name = 'TrainingTextError';
}

export interface TrainingText {
  /**
   * Plain text is one document. In JSON lines each line is a document: `{"text": …}`, or
   * `{"messages": [{"role", "content"}, …]}`.
   */
  readonly format: 'text' | 'jsonl';
  readonly text: string;
}

/** Most UTF-16 units of a text. The tokenizer encodes it at once, and its tokens are held as numbers. */
const MAX_TRAINING_TEXT = 1 << 23;
const ROLES: readonly unknown[] = ['system', 'user', 'assistant', 'tool'];

/**
 * The token ids of all documents, one after another, each with its begin tokens. Each document of JSON lines
 * ends with `endToken`, if given. Throws TrainingTextError for an empty or too long text or a line that is
 * not a document, and TokenizerError for a text that cannot be encoded.
 */
export function trainingTokens(
  { format, text }: TrainingText,
  tokenizer: Pick<ChatTokenizer, 'encodeDocument' | 'encodeChat'>,
  endToken: number | undefined,
): number[] {
  if (text.length > MAX_TRAINING_TEXT) {
    throw new TrainingTextError(
      `The text has ${text.length} characters, more than the ${MAX_TRAINING_TEXT} that one may have; use a part of it`,
    );
  }
  const ids: number[] = [];
  // One by one, since the arguments of a call must fit on the stack.
  const append = (more: readonly number[]) => {
    for (const id of more) ids.push(id);
  };
  if (format === 'text') append(tokenizer.encodeDocument(text));
  else {
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      const document = parseLine(line, index + 1);
      append(
        'text' in document
          ? tokenizer.encodeDocument(document.text)
          : tokenizer.encodeChat(document.messages, CHAT_OPTIONS),
      );
      if (endToken !== undefined) append([endToken]);
    }
  }
  if (ids.length < 2)
    throw new TrainingTextError('The text is empty; paste some, or choose a file that has some');
  return ids;
}

/** The document already has the assistant's answer. */
const CHAT_OPTIONS = { addGenerationPrompt: false } as const;

function parseLine(
  line: string,
  number: number,
): { readonly text: string } | { readonly messages: readonly ChatMessage[] } {
  const fail = (problem: string): never => {
    throw new TrainingTextError(
      `Line ${number} ${problem}; each line must be like {"text": "…"} or {"messages": [{"role": "user", "content": "…"}, …]}`,
    );
  };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return fail('is not JSON');
  }
  if (typeof value !== 'object' || value === null) return fail('is no object');
  const { text, messages } = value as Record<string, unknown>;
  if (typeof text === 'string') return { text };
  if (!Array.isArray(messages)) return fail('has neither text nor messages');
  const good = messages.every(
    (each: unknown): each is ChatMessage =>
      typeof each === 'object' &&
      each !== null &&
      'role' in each &&
      ROLES.includes(each.role) &&
      'content' in each &&
      typeof each.content === 'string',
  );
  return good ? { messages } : fail('has a message without role or content');
}

/**
 * The batch of a step, counted from 0: `rows` windows of `length` tokens. The windows follow one another
 * through the text and start again at its end. The target of each token is the token after it.
 */
export function windowsAt(
  ids: readonly number[],
  o: { readonly step: number; readonly rows: number; readonly length: number },
): { readonly tokens: number[]; readonly targets: number[] } {
  const size = o.rows * o.length;
  const at = (i: number) => must(ids, (o.step * size + i) % ids.length);
  return {
    tokens: Array.from({ length: size }, (_, i) => at(i)),
    targets: Array.from({ length: size }, (_, i) => at(i + 1)),
  };
}
