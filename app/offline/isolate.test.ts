import { describe, expect, it } from 'vitest';
import { isolate } from './isolate.ts';

describe('isolate', () => {
  it('adds the headers that isolate a page, and keeps body, status and other headers', async () => {
    const served = new Response('<p>page</p>', { status: 404, headers: { 'Content-Type': 'text/html' } });
    const isolated = isolate(served);
    expect(isolated.status).toBe(404);
    expect(isolated.headers.get('content-type')).toBe('text/html');
    expect(isolated.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(isolated.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(await isolated.text()).toBe('<p>page</p>');
  });

  it('leaves a failure as it is', () => {
    const failed = Response.error();
    expect(isolate(failed)).toBe(failed);
  });
});
