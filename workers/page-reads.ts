import { ModelLoadError } from '../models/loading/model-source.ts';

type Answer = { readonly bytes: Uint8Array } | { readonly problem: string };

/** What a worker has asked its page to read, until the page answers. */
export class PageReads {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  /**
   * Asks under a number of its own, and waits for the answer. Throws ModelLoadError where there are no bytes,
   * and the signal's reason.
   */
  async ask(send: (id: number) => void, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    const id = ++this.#last;
    let abort: () => void = () => undefined;
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        abort = () => reject(signal?.reason);
        signal?.addEventListener('abort', abort, { once: true });
        this.#waiting.set(id, resolve);
        send(id);
      });
      if ('problem' in answer) throw new ModelLoadError(answer.problem);
      return answer.bytes as Uint8Array<ArrayBuffer>;
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Takes the page's answer. Nothing happens where nobody waits for it any more. */
  answer(id: number, answer: Answer): void {
    this.#waiting.get(id)?.(answer);
  }
}
