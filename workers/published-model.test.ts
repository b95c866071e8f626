import { describe, expect, it } from 'vitest';
import { endlessAnswer } from '../protocol/testing/endless-answer.ts';
import { ModelFetchError, modelAt } from './published-model.ts';

describe('a model beside the page', () => {
  it('is fetched with its progress, and no further than a file can be long', async () => {
    const progress: (number | null)[] = [];
    const served = modelAt('https://page.example/models/', {
      fetcher: async () => new Response('{}', { headers: { 'content-length': '2' } }),
      onProgress: (_name, done, total) => progress.push(done, total),
    });
    expect(await served.file('config.json')).toEqual(Uint8Array.of(0x7b, 0x7d));
    expect(progress).toEqual([2, 2]);
    const { response, read, isCancelled } = endlessAnswer();
    const endless = modelAt('https://page.example/models/', { fetcher: async () => response });
    await expect(endless.file('config.json')).rejects.toThrow(ModelFetchError);
    expect(read()).toBe((1 << 20) + 1024);
    expect(isCancelled()).toBe(true);
  });

  it('is refused when it ends early', async () => {
    const served = modelAt('https://page.example/models/', {
      fetcher: async () => new Response('{', { headers: { 'content-length': '2' } }),
    });
    await expect(served.file('config.json')).rejects.toThrow('ended after 1 of 2 bytes');
  });
});
