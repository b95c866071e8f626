import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelLibrary } from './library.ts';
import { openModel } from './open-model.ts';
import { openMemoryModelDirectory } from './testing/memory-model-directory.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';
import { TINY, tinyFiles } from './testing/tiny-model.ts';

const files = tinyFiles({ config: { ...TINY, feedForward: 4096 }, dtype: 'F32' });
const SHARD = 'model.safetensors';
const whole = Object.values(files).reduce((sum, { length }) => sum + length, 0);

describe('ModelLibrary', () => {
  let server: ModelServer;
  beforeEach(async () => {
    server = await startModelServer(files);
  });
  afterEach(async () => server[Symbol.asyncDispose]());

  it('keeps what was downloaded, whole or in part, and goes on with it', async () => {
    const directory = openMemoryModelDirectory();
    const library = new ModelLibrary({ directory, retries: 0 });
    server.habits.breaks = { after: 100_000, times: 1 };
    await expect(library.download({ url: server.url })).rejects.toThrow('try again');
    const [part] = await library.list();
    expect(part).toMatchObject({ root: null, url: `${server.url}/`, total: whole });
    expect(part?.bytes).toBeGreaterThan(100_000);
    expect(part?.bytes).toBeLessThan(whole);
    await expect(library.source(part?.id ?? '')).rejects.toThrow('go on with its download');

    const again = new ModelLibrary({ directory });
    const totals: number[] = [];
    const done = await again.download({
      url: `${server.url}/`,
      onProgress: ({ total }) => totals.push(total ?? 0),
    });
    expect(done).toMatchObject({ id: part?.id, verifiedBy: 'nobody', total: whole });
    expect(totals.at(-1)).toBe(whole);
    expect(server.requests.filter((line) => line.startsWith(SHARD)).at(-1)).toMatch(/bytes=\d{5,}-$/);
    expect(await again.list()).toEqual([done]);
    const source = await again.source(done.id);
    expect((await openModel(source)).weights).toMatchObject({ dtypes: ['F32'] });
    await source.close();

    await again.remove(done.id);
    expect(await again.list()).toEqual([]);
    await expect(again.source(done.id)).rejects.toThrow('no longer on this device');
  });

  it('holds a resumed download to the hashes that were given first', async () => {
    const library = new ModelLibrary({ directory: openMemoryModelDirectory(), retries: 0 });
    const good = await new ModelLibrary({ directory: openMemoryModelDirectory() }).download({
      url: server.url,
    });
    const hashes = new Map(Object.keys(files).map((name) => [name, '0'.repeat(64)]));
    await expect(library.download({ url: server.url, hashes })).rejects.toThrow('SHA-256');
    await expect(library.download({ url: server.url })).rejects.toThrow('SHA-256');
    expect((await library.download({ url: server.url, hashes: null })).root).toBe(good.root);
  });

  it('says before it is too late that there is no room', async () => {
    const library = new ModelLibrary({ directory: openMemoryModelDirectory(), room: async () => 200_000 });
    await expect(library.download({ url: server.url })).rejects.toThrow('delete a model that is here');
    const [part] = await library.list();
    expect(part?.bytes).toBeLessThan(200_000);
  });

  it('goes on without a condition where the server does not let a page send one', async () => {
    const conditions: (string | null)[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const headers = new Headers(init?.headers);
      if (headers.has('range')) conditions.push(headers.get('if-range'));
      // As a browser whose preflight was refused.
      if (headers.has('if-range')) throw new TypeError('Failed to fetch');
      return globalThis.fetch(input, init);
    };
    const library = new ModelLibrary({ directory: openMemoryModelDirectory(), fetch, retries: 2 });
    server.habits.breaks = { after: 100_000, times: 1 };
    const { root } = await library.download({ url: server.url });
    expect(root).not.toBeNull();
    expect(conditions).toEqual([`"${SHARD}-1"`, null]);
  });
});
