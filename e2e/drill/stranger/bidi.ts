import '../../../swarm/node-web-socket.ts';

/** A browser did not do what it was told. The message is the browser's. */
export class BidiError extends Error {
  override readonly name = 'BidiError';
}

interface Answer {
  readonly id?: number;
  readonly type: 'success' | 'error' | 'event';
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly message?: string;
}

/** As much of WebDriver BiDi (https://w3c.github.io/webdriver-bidi/) as a page needs to be driven. */
export class Bidi {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #onEvent: (method: string, params: unknown) => void;
  #next = 1;

  private constructor(socket: WebSocket, onEvent: (method: string, params: unknown) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Answer));
  }

  /** Connects to the address that the browser printed. */
  static open(url: string, onEvent: (method: string, params: unknown) => void): Promise<Bidi> {
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(new Bidi(socket, onEvent)));
      socket.addEventListener('error', () => reject(new BidiError(`${url} does not answer`)));
    });
  }

  /** Rejects with BidiError. */
  send(method: string, params: unknown): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ type, result, message = 'no reason' }) =>
        type === 'success' ? resolve(result) : reject(new BidiError(`${method}: ${message}`)),
      );
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  #hear(answer: Answer): void {
    if (answer.type === 'event') this.#onEvent(answer.method ?? '', answer.params);
    const settle = answer.id === undefined ? undefined : this.#waiting.get(answer.id);
    if (answer.id !== undefined) this.#waiting.delete(answer.id);
    settle?.(answer);
  }
}
