import type { Tokenizer } from './tokenizer.ts';

/** What a decoder gives for bytes that are no whole character yet. */
const REPLACEMENT = '\ufffd';

/**
 * Text of token ids as they come. A token may end in the middle of a character, which is then held back until it is whole.
 * All pieces joined are what `Tokenizer.decode` gives for all known ids.
 */
export class StreamingDecoder {
  readonly #tokenizer: Tokenizer;
  /** The last ids already shown, for decoders that look at what comes before, and those not yet shown. */
  #ids: number[] = [];
  #shown = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Text that `id` completes, often ''. An id that the tokenizer does not know (a model may have spare ones) has none. */
  push(id: number): string {
    if (!this.#tokenizer.knows(id)) return '';
    this.#ids.push(id);
    return this.#take({ holdBack: true });
  }

  /** What is left when no more ids come: the replacement character for a character that never ended. */
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
