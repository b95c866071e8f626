/** A tokenizer with its model's chat template, both from the model's own files. */
import { messageOf } from '../../protocol/message-of.ts';
import { beginTokensOf } from './begin-tokens.ts';
import { BoundedTemplate } from './bounded-template.ts';
import { Tokenizer, TokenizerError } from './tokenizer.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

export interface ChatOptions {
  /** Whether the text ends where the assistant's answer starts. Defaults to true. */
  readonly addGenerationPrompt?: boolean;
  /** Further variables for the template. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Most characters of a template, which is an untrusted program. */
const TEMPLATE_LIMIT = 1 << 16;
/** Most messages of a conversation. */
const MESSAGES_LIMIT = 1024;

export class ChatTokenizer extends Tokenizer {
  readonly #template: BoundedTemplate | undefined;
  readonly #specials: Readonly<Record<string, string>>;
  /** The ids that stand before each text, and before no conversation: a chat template writes its own. */
  readonly beginTokens: readonly number[];

  /**
   * Reads a parsed tokenizer.json and tokenizer_config.json. Throws TokenizerError for a bad tokenizer or
   * template. Without a template, `chatText` and `encodeChat` throw.
   */
  constructor(tokenizer: unknown, settings: JsonObject = {}) {
    super(tokenizer);
    this.#specials = specialTokens(settings);
    this.beginTokens = beginTokensOf(tokenizer as JsonObject, settings, {
      beginToken: this.#specials.bos_token,
      idOf: (token) => this.idOf(token),
      knows: (id) => this.knows(id),
    });
    const source = templateOf(settings);
    if (source === undefined) return;
    if (source.length > TEMPLATE_LIMIT) {
      throw new TokenizerError(
        `the chat template is longer than ${TEMPLATE_LIMIT} characters; use another model`,
      );
    }
    try {
      this.#template = new BoundedTemplate(source);
    } catch (cause) {
      throw new TokenizerError('the chat template could not be read; use another model', { cause });
    }
  }

  /** The token ids of plain text from its beginning, `beginTokens` first. Throws what `encode` throws. */
  encodeDocument(text: string): number[] {
    return [...this.beginTokens, ...this.encode(text)];
  }

  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  /** The conversation as text in the model's format. Throws TokenizerError when the template refuses it. */
  chatText(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    if (this.#template === undefined) {
      throw new TokenizerError('this model has no chat template; give it plain text to continue');
    }
    if (messages.length === 0 || messages.length > MESSAGES_LIMIT) {
      throw new TokenizerError(`a conversation must have 1 to ${MESSAGES_LIMIT} messages`);
    }
    try {
      return this.#template.render({
        ...this.#specials,
        ...options.variables,
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: options.addGenerationPrompt ?? true,
      });
    } catch (cause) {
      const reason = messageOf(cause).slice(0, 200);
      throw new TokenizerError(`the chat template refuses these messages: ${reason}`, {
        cause,
      });
    }
  }

  /**
   * The token ids of the conversation, the template's special tokens included. Throws TokenizerError for a
   * message that spells a special token, since it could end its turn and pose as another role.
   */
  encodeChat(messages: readonly ChatMessage[], options: ChatOptions = {}): number[] {
    for (const { content } of messages) this.checkPlain(content);
    return this.encodeWithSpecial(this.chatText(messages, options));
  }
}

function own(json: JsonObject, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

/** The chat template. `chat_template` is a text, or a list of named templates of which "default" is used. */
function templateOf(settings: JsonObject): string | undefined {
  const value = own(settings, 'chat_template');
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  for (const entry of value as readonly unknown[]) {
    if (typeof entry !== 'object' || entry === null) continue;
    const { name, template } = entry as { name?: unknown; template?: unknown };
    if (name === 'default' && typeof template === 'string') return template;
  }
  return undefined;
}

/**
 * bos_token, eos_token and so on, which templates may print. Each is a text, or an object with the content.
 */
function specialTokens(settings: JsonObject): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = own(settings, name);
    if (typeof value === 'string') found[name] = value;
    else if (typeof value === 'object' && value !== null && 'content' in value) {
      if (typeof value.content === 'string') found[name] = value.content;
    }
  }
  return found;
}
