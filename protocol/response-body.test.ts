import { describe, expect, it } from 'vitest';
import { ResponseTooLongError, readBytes, readText } from './response-body.ts';
import { endlessAnswer } from './testing/endless-answer.ts';

/** An answer of these parts, which then says nothing more and does not end. */
function silentAfter(...parts: readonly string[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
    },
  });
  return new Response(body);
}

describe('the body of an answer', () => {
  it('is read to its end when it is as long as it may be', async () => {
    expect(await readText(new Response('żółw'), { maxBytes: 7 })).toBe('żółw');
    expect(await readBytes(new Response(null), { maxBytes: 0 })).toEqual(new Uint8Array());
    const progress: number[] = [];
    const bytes = await readBytes(new Response(new Uint8Array([1, 2, 3])), {
      ...{ maxBytes: 3, onProgress: (done) => progress.push(done) },
    });
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(progress).toEqual([3]);
  });

  it('is refused one byte later, and is read no further', async () => {
    await expect(readText(new Response('1234'), { maxBytes: 3 })).rejects.toThrow(ResponseTooLongError);
    const { response, read, isCancelled } = endlessAnswer();
    await expect(readText(response, { maxBytes: 5000 })).rejects.toThrow('more than 5000 bytes');
    expect(read()).toBe(5 * 1024);
    expect(isCancelled()).toBe(true);
  });

  it('is refused by its header before anything is read, unless it is compressed', async () => {
    const long = endlessAnswer({ headers: { 'content-length': '5001' } });
    await expect(readBytes(long.response, { maxBytes: 5000 })).rejects.toThrow(ResponseTooLongError);
    expect([long.read(), long.isCancelled()]).toEqual([0, true]);
    const packed = new Response('{}', { headers: { 'content-length': '5001', 'content-encoding': 'gzip' } });
    expect(await readText(packed, { maxBytes: 5000 })).toBe('{}');
  });

  it('ends at the signal, also when nothing comes', async () => {
    const stop = new AbortController();
    const reading = readText(silentAfter('{'), { maxBytes: 10, signal: stop.signal });
    stop.abort(new DOMException('Stopped.', 'AbortError'));
    await expect(reading).rejects.toThrow('Stopped.');
    await expect(readText(new Response('{}'), { maxBytes: 10, signal: stop.signal })).rejects.toThrow('Stop');
  });

  it('passes on what broke it', async () => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new TypeError('The connection broke.')),
    });
    await expect(readBytes(new Response(body), { maxBytes: 10 })).rejects.toThrow('The connection broke.');
  });
});
