/**
 * Reads an answer of HTTP no further than it may be long. `response.text()` and its kin read all of it first,
 * so that a hostile or broken server could fill the memory.
 */

/** An answer is longer than it may be. Whoever runs its server must say why. */
export class ResponseTooLongError extends Error {
  override readonly name = 'ResponseTooLongError';
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(
      `The answer has more than ${maxBytes} bytes, which are all that it may have. Check the address, or ask whoever runs it.`,
    );
    this.maxBytes = maxBytes;
  }
}

/** How much is read, and until when. */
export interface ReadOptions {
  /** Bytes that the answer may have, after it is decompressed. */
  readonly maxBytes: number;
  /** Ends the reading, also of a body that says nothing more. Defaults to none beside the request's own. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes so far after each part. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * The body of an answer. Throws ResponseTooLongError as soon as it is longer than `maxBytes`, by its header
 * or by what has come; the signal's reason; and the error of a connection that broke. Nothing more is read
 * then.
 */
export async function readBytes(response: Response, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, signal, onProgress } = options;
  const { body, headers } = response;
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
  });
  // Nobody waits for it once the body is read.
  aborted.catch(() => undefined);
  try {
    signal?.throwIfAborted();
    // The header of a compressed body does not say how long it is afterwards.
    const isPlain = ['', 'identity'].includes(headers.get('content-encoding')?.trim().toLowerCase() ?? '');
    if (isPlain && Number(headers.get('content-length')) > maxBytes) throw new ResponseTooLongError(maxBytes);
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      // Reading an aborted body does not always settle.
      const { done, value } = await Promise.race([reader.read(), aborted]);
      if (done) return joined(parts, bytes);
      bytes += value.length;
      if (bytes > maxBytes) throw new ResponseTooLongError(maxBytes);
      parts.push(value);
      onProgress?.(bytes);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    // Not awaited, because it may never settle.
    reader.cancel().catch(() => undefined);
  }
}

/** The body as UTF-8 text. Throws as `readBytes` does. */
export async function readText(response: Response, options: ReadOptions): Promise<string> {
  return new TextDecoder().decode(await readBytes(response, options));
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
