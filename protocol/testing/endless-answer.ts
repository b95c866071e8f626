/** An answer of HTTP that never ends, and how much of it was read. */
export interface EndlessAnswer {
  readonly response: Response;
  /** Bytes that the reader has asked for. */
  readonly read: () => number;
  /** Whether the reader has ended it. */
  readonly isCancelled: () => boolean;
}

/**
 * An answer that goes on for as long as it is read, in parts of 1 KiB: blanks, after which JSON could still
 * come. Past 256 MiB it fails, because a test must end.
 */
export function endlessAnswer(init?: ResponseInit): EndlessAnswer {
  const part = new Uint8Array(1024).fill(0x20);
  let bytes = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        bytes += part.length;
        if (bytes > 2 ** 28) controller.error(new Error('Nobody stopped the answer.'));
        else controller.enqueue(part);
      },
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { response: new Response(body, init), read: () => bytes, isCancelled: () => cancelled };
}
