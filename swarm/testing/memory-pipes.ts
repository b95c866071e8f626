import type { Pipe } from '../striping/striped-channel.ts';

/** One end of a pair of pipes of one process, and what a test does with it. */
export interface MemoryPipe extends Pipe {
  /** Moves up to `count` waiting slices to the other end. Returns how many were left to move. */
  deliver(count: number): number;
  /** Ends both sides as a connection that fails does. */
  lose(): void;
}

/** A pair of pipes. Slices wait until the test delivers them. */
export function memoryPipes(): readonly [MemoryPipe, MemoryPipe] {
  const [a, b] = [new End(), new End()];
  a.other = b;
  b.other = a;
  return [a, b];
}

class End implements MemoryPipe {
  other: End | undefined;
  readonly #waiting: Uint8Array[] = [];
  take: (slice: Uint8Array) => void = () => undefined;
  #drained: () => void = () => undefined;
  #closed: (how: 'sent' | 'lost') => void = () => undefined;
  #isClosing = false;
  #isOver = false;

  get bufferedAmount(): number {
    return this.#waiting.reduce((sum, slice) => sum + slice.length, 0);
  }

  send(slice: Uint8Array<ArrayBuffer>): void {
    if (this.#isOver || this.#isClosing) throw new Error('closed');
    this.#waiting.push(slice);
  }

  onSlice(listen: (slice: Uint8Array) => void): void {
    this.take = listen;
  }

  onDrain(listen: () => void): void {
    this.#drained = listen;
  }

  onClose(listen: (how: 'sent' | 'lost') => void): void {
    this.#closed = listen;
  }

  close(): void {
    this.#isClosing = true;
    if (this.#waiting.length === 0) this.finish('sent');
  }

  deliver(count: number): number {
    for (const slice of this.#waiting.splice(0, count)) this.#otherEnd().take(slice);
    if (count > 0) this.#drained();
    if (this.#isClosing && this.#waiting.length === 0) this.finish('sent');
    return this.#waiting.length;
  }

  lose(): void {
    this.#waiting.length = 0;
    this.finish('lost');
  }

  #otherEnd(): End {
    if (this.other === undefined) throw new Error('Pipes come in pairs.');
    return this.other;
  }

  finish(how: 'sent' | 'lost'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closed(how);
    this.#otherEnd().finish(how);
  }
}
