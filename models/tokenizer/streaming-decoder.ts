import type { Tokenizer } from './tokenizer.ts';

/** The decoder's output for bytes that are not a whole character. */
const REPLACEMENT = '\ufffd';

/**
 * Decodes token ids one by one. A token may end in the middle of a character, which is held back until it is
 * whole. All pieces joined equal the result of `Tokenizer.decode` for all known ids, and after a prompt what
 * these ids add to the prompt's text.
 */
export class StreamingDecoder {
  readonly #tokenizer: Tokenizer;
  /**
   * The last ids of the text so far, since some decoders depend on earlier ids, and the ids that are held
   * back.
   */
  #ids: number[] = [];
  #shown = 0;

  /**
   * `prompt` has the ids that the text goes on from. Defaults to none: the text stands alone, as an answer in
   * a conversation does.
   */
  constructor(tokenizer: Tokenizer, prompt: readonly number[] = []) {
    this.#tokenizer = tokenizer;
    this.#ids = prompt.filter((id) => tokenizer.knows(id) && !tokenizer.isSpecial(id));
    this.#shown = this.#ids.length;
  }

  /** The text that `id` completes, often ''. A special token, or an id that is no token, gives ''. */
  push(id: number): string {
    // A special token has no text. As the only earlier id it would make the next one look like the first.
    if (!this.#tokenizer.knows(id) || this.#tokenizer.isSpecial(id)) return '';
    this.#ids.push(id);
    return this.#take({ holdBack: true });
  }

  /** The rest of the text: a replacement character when the last character is incomplete. */
  finish(): string {
    const rest = this.#take({ holdBack: false });
    this.#ids = [];
    this.#shown = 0;
    return rest;
  }

  #take({ holdBack }: { readonly holdBack: boolean }): string {
    const before = this.#tokenizer.decode(this.#ids.slice(0, this.#shown));
    const text = this.#tokenizer.decode(this.#ids);
    if (holdBack && text.endsWith(REPLACEMENT)) return '';
    this.#ids = this.#ids.slice(this.#shown);
    this.#shown = this.#ids.length;
    return text.slice(before.length);
  }
}
