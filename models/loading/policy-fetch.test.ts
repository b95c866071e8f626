import { describe, expect, it } from 'vitest';
import { downloadModel } from './download.ts';
import { ModelLoadError } from './model-source.ts';
import { PolicyRefusedError, policyFetch } from './policy-fetch.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';

const URL_OF_MODEL = 'https://models.example/little/';

/** A browser whose policy refuses, tells so before or after the request fails, or that reaches nobody. */
function browser(kind: 'told before' | 'told after' | 'unreachable' | 'another directive') {
  const violations = new EventTarget();
  let requests = 0;
  const tell = (effectiveDirective: string) =>
    violations.dispatchEvent(
      Object.assign(new Event('securitypolicyviolation'), { effectiveDirective, disposition: 'enforce' }),
    );
  const fetch = policyFetch({
    async fetch() {
      requests++;
      if (kind === 'told before') tell('connect-src');
      if (kind === 'another directive') tell('img-src');
      throw new TypeError('Failed to fetch');
    },
    violations,
    wait: async () => {
      if (kind === 'told after') tell('connect-src');
    },
  });
  return { fetch, requests: () => requests };
}

describe('fetch under a content policy', () => {
  it.each(['told before', 'told after'] as const)('names the address and the remedy, %s', async (kind) => {
    const { fetch } = browser(kind);
    const failed = fetch(`${URL_OF_MODEL}config.json`);
    await expect(failed).rejects.toThrow(PolicyRefusedError);
    await expect(failed).rejects.toThrow(/may not load from https:\/\/models\.example .* modelHosts/);
  });

  it('leaves every other failure as it is', async () => {
    for (const kind of ['unreachable', 'another directive'] as const)
      await expect(browser(kind).fetch(URL_OF_MODEL)).rejects.toThrow('Failed to fetch');
  });

  it('ends a download at the first request, where an address out of reach is tried again', async () => {
    const download = (fetch: typeof globalThis.fetch) =>
      downloadModel({
        ...{ baseUrl: URL_OF_MODEL, store: openMemoryFileStore(), wait: async () => undefined },
        fetch,
      });
    const refused = browser('told after');
    await expect(download(refused.fetch)).rejects.toThrow(PolicyRefusedError);
    expect(refused.requests()).toBe(1);
    const away = browser('unreachable');
    await expect(download(away.fetch)).rejects.toThrow(ModelLoadError);
    expect(away.requests()).toBe(5);
  });
});
