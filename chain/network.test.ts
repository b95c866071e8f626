import { describe, expect, it } from 'vitest';
import { ResponseTooLongError } from '../protocol/response-body.ts';
import { endlessAnswer } from '../protocol/testing/endless-answer.ts';
import { boundedFetch, connect } from './network.ts';

const network = { rpc: 'http://127.0.0.1:8545', chainId: 31337 };

/** The error and what caused it, from the outermost on. */
function causesOf(error: unknown): readonly unknown[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}

describe('the node of a chain', () => {
  it('is read no further than 64 MiB of one answer, also by viem', async () => {
    const { response, read, isCancelled } = endlessAnswer({
      headers: { 'content-type': 'application/json' },
    });
    const client = connect(network, { fetch: async () => response, timeout: 60_000 });
    const failure = await client.getBlockNumber().catch((error: unknown) => error);
    expect(causesOf(failure).some((each) => each instanceof ResponseTooLongError)).toBe(true);
    expect(read()).toBe(64 * 1024 * 1024 + 1024);
    expect(isCancelled()).toBe(true);
  });

  it('is read to the end otherwise, with what it says of itself', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = boundedFetch(async () => new Response('{"result":"0x1"}', { status: 201, headers }));
    const response = await answer(network.rpc);
    expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/json']);
    expect(await response.json()).toEqual({ result: '0x1' });
    const empty = await boundedFetch(async () => new Response(null, { status: 204 }))(network.rpc);
    expect([empty.status, await empty.text()]).toEqual([204, '']);
  });

  it('ends with either signal, also when it says nothing more', async () => {
    const silent = () =>
      new Response(new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(1)) }));
    for (const which of ['page', 'request'] as const) {
      const stops = { page: new AbortController(), request: new AbortController() };
      const asking = boundedFetch(async () => silent(), stops.page.signal)(network.rpc, {
        signal: stops.request.signal,
      });
      stops[which].abort();
      await expect(asking).rejects.toThrow('aborted');
    }
  });
});
