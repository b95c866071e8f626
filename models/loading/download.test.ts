import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageFullError } from '../storage/directory.ts';
import { type DownloadOptions, downloadModel } from './download.ts';
import { HashMismatchError } from './fetch-file.ts';
import { filesRoot, parseHashes } from './file-root.ts';
import { ModelLoadError } from './model-source.ts';
import { openModel } from './open-model.ts';
import { storeSource } from './store-source.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';
import { TINY, tinyFiles, tinyParameters } from './testing/tiny-model.ts';

const files = tinyFiles({ dtype: 'F32', shards: 2 });
const SHARD = 'model-00001-of-00002.safetensors';
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const hashes = new Map(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)]));

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer(files);
});
afterEach(() => server[Symbol.asyncDispose]());

const download = (more: Partial<DownloadOptions> & Pick<DownloadOptions, 'store'>) =>
  downloadModel({ baseUrl: server.url, retries: 0, wait: async () => undefined, ...more });
const rangesOf = (name: string) =>
  server.requests.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

/** A store whose download of the first shard was cut after `bytes` bytes. */
async function cutAfter(bytes: number) {
  const store = openMemoryFileStore();
  await expect(
    download({
      store,
      fetch: (input, init) => {
        server.habits.breaks = { after: bytes, times: String(input).endsWith(SHARD) ? 1 : 0 };
        return fetch(input, init);
      },
    }),
  ).rejects.toThrow(/broke off|ended at byte/);
  delete server.habits.breaks;
  expect(store.files.get(SHARD)?.length).toBe(bytes);
  return store;
}

describe('downloadModel', () => {
  it('brings a model that opens, names it by its root, and asks for nothing the second time', async () => {
    const store = openMemoryFileStore();
    const seen: string[] = [];
    let most = 0;
    const model = await download({
      store,
      onProgress: ({ file, bytes }) => {
        if (seen.at(-1) !== file) seen.push(file);
        expect(bytes).toBeGreaterThanOrEqual(most);
        most = bytes;
      },
    });
    expect(model.verifiedBy).toBe('nobody');
    expect(model.files.map(({ name }) => name).sort()).toEqual(Object.keys(files).sort());
    expect(seen).toEqual(model.files.map(({ name }) => name));
    expect(most).toBe(Object.values(files).reduce((sum, { length }) => sum + length, 0));
    for (const { name, sha256: hash } of model.files) expect(hash).toBe(hashes.get(name));
    expect(model.root).toBe(filesRoot([...model.files].reverse()));

    const source = storeSource(
      store,
      model.files.map(({ name }) => name),
    );
    const opened = await openModel(source);
    expect(opened.config).toEqual(TINY);
    expect(await opened.weights.float32('model.norm.weight')).toEqual(
      tinyParameters().get('model.norm.weight'),
    );

    server.requests.length = 0;
    const again = await download({ store, expectedRoot: model.root });
    expect([again.root, again.verifiedBy]).toEqual([model.root, 'caller']);
    expect(server.requests).toEqual([]);
  });

  it('goes on where it was cut, with If-Range', async () => {
    const store = await cutAfter(1000);
    server.requests.length = 0;
    const model = await download({ store, hashes });
    expect(rangesOf(SHARD)).toEqual(['bytes=1000-']);
    expect(model.verifiedBy).toBe('caller');
    expect(store.files.get(SHARD)).toEqual(new Uint8Array(files[SHARD] ?? []));
  });

  it('goes on by itself after broken connections and busy servers', async () => {
    const waits: number[] = [];
    server.habits.breaks = { after: 500, times: 2 };
    server.habits.fails = { status: 503, times: 2 };
    const store = openMemoryFileStore();
    const wait = async (milliseconds: number) => {
      waits.push(milliseconds);
    };
    await download({ store, hashes, retries: 4, wait });
    expect(waits.length).toBe(4);
    expect(waits.slice(0, 2)).toEqual([500, 1000]);
  });

  it('stops when told to and keeps what it has', async () => {
    const store = openMemoryFileStore();
    const stop = new AbortController();
    const reason = new Error('enough');
    const first = download({
      store,
      signal: stop.signal,
      onProgress: ({ file, fileBytes }) => {
        if (file === SHARD && fileBytes > 0) stop.abort(reason);
      },
    });
    await expect(first).rejects.toBe(reason);
    expect(store.files.get(SHARD)?.length).toBeGreaterThan(0);
    expect((await download({ store, hashes })).files).toHaveLength(5);
  });

  it.each(['heeds If-Range', 'does not heed If-Range'])(
    'starts over when the file changed meanwhile and the server %s',
    async (habit) => {
      const store = await cutAfter(1000);
      const changed = new Uint8Array(files[SHARD] ?? []);
      changed[changed.length - 1]! ^= 1;
      server.files.set(SHARD, { bytes: changed, etag: '"other"' });
      server.habits.ignoresIfRange = habit !== 'heeds If-Range';
      await download({ store, retries: 1 });
      expect(store.files.get(SHARD)).toEqual(changed);
    },
  );

  it('starts over without range support, and without a validator', async () => {
    const store = await cutAfter(1000);
    server.habits.ignoresRange = true;
    await download({ store, hashes });
    expect(store.files.get(SHARD)).toEqual(new Uint8Array(files[SHARD] ?? []));

    delete server.habits.ignoresRange;
    for (const file of server.files.values()) file.etag = undefined;
    const other = await cutAfter(1000);
    server.requests.length = 0;
    await download({ store: other });
    expect(rangesOf(SHARD)).toEqual(['all']);
  });

  it('takes a server that says no length', async () => {
    server.habits.hidesLength = true;
    const store = openMemoryFileStore();
    expect((await download({ store, hashes })).files).toHaveLength(5);
    await expect(download({ store: openMemoryFileStore(), limits: { fileBytes: 600 } })).rejects.toThrow(
      /longer than 600 bytes/,
    );
  });

  it('refuses wrong bytes, from whoever the hash is, and does not keep them', async () => {
    const wrong = new Map(hashes).set(SHARD, '0'.repeat(64));
    const store = openMemoryFileStore();
    await expect(download({ store, hashes: wrong })).rejects.toThrow(HashMismatchError);
    expect(store.files.get(SHARD)?.length).toBe(0);
    for (const [name, file] of server.files) file.linkedTag = `"${hashes.get(name)}"`;
    expect((await download({ store: openMemoryFileStore() })).verifiedBy).toBe('server');
    const served = server.files.get(SHARD);
    if (served !== undefined) served.linkedTag = `"${'1'.repeat(64)}"`;
    await expect(download({ store: openMemoryFileStore() })).rejects.toThrow(HashMismatchError);
  });

  it('refuses another model than the one first seen', async () => {
    const { root } = await download({ store: openMemoryFileStore() });
    server.files.set('generation_config.json', { bytes: new TextEncoder().encode('{}') });
    await expect(download({ store: openMemoryFileStore(), expectedRoot: root })).rejects.toThrow(
      /no longer the one/,
    );
  });

  it('says so when storage is full, and goes on once there is room', async () => {
    const bytes = new Map<string, Uint8Array<ArrayBuffer>>();
    const small = openMemoryFileStore({ files: bytes, capacity: 8000 });
    await expect(download({ store: small })).rejects.toThrow(StorageFullError);
    expect((await download({ store: openMemoryFileStore({ files: bytes }), hashes })).files).toHaveLength(5);
  });

  it.each<[string, Partial<DownloadOptions>, RegExp]>([
    ['an address that is none', { baseUrl: 'model' }, /not an https address/],
    ['plain http to another machine', { baseUrl: 'http://example.com/m' }, /not an https address/],
    ['a list of hashes of another model', { hashes: new Map() }, /has no config.json/],
    ['a model over the limit', { limits: { fileBytes: 100 } }, /over the limit of 100/],
  ])('refuses %s', async (_, options, message) => {
    const failure = download({ store: openMemoryFileStore(), ...options });
    await expect(failure).rejects.toThrow(ModelLoadError);
    await expect(failure).rejects.toThrow(message);
  });

  it('says what is wrong with an address that has no model', async () => {
    server.files.delete('config.json');
    await expect(download({ store: openMemoryFileStore() })).rejects.toThrow(/folder that has config.json/);
    server.habits.fails = { status: 401, times: 1 };
    await expect(download({ store: openMemoryFileStore() })).rejects.toThrow(/use a public model/);
  });

  it('fetches a whole file of weights and not the shards of an index that was left over', async () => {
    const whole = tinyFiles();
    await using other = await startModelServer({ ...files, ...whole });
    const store = openMemoryFileStore();
    const model = await download({ store, baseUrl: other.url });
    expect(model.files.map(({ name }) => name).sort()).toEqual(Object.keys(whole).sort());
    expect(other.requests.some((line) => line.startsWith(SHARD))).toBe(false);
  });

  it('starts over when a state file is torn at any byte', async () => {
    const store = await cutAfter(1000);
    const state = store.files.get(`${SHARD}.state`) ?? new Uint8Array();
    for (let length = 0; length < state.length; length += 31) {
      const torn = openMemoryFileStore({
        files: new Map(store.files).set(`${SHARD}.state`, state.slice(0, length)),
      });
      await download({ store: torn, hashes });
      expect(torn.files.get(SHARD)).toEqual(new Uint8Array(files[SHARD] ?? []));
    }
  });
});

describe('parseHashes', () => {
  it('reads what sha256sum prints and nothing else', () => {
    const [one, two] = ['0'.repeat(64), 'f'.repeat(64)];
    expect(parseHashes(`${one}  a.json\n${two} *b.safetensors\n`)).toEqual(
      new Map([
        ['a.json', one],
        ['b.safetensors', two],
      ]),
    );
    for (const bad of [`${one}  ../a`, `${one} a`, 'x', `${one}  a\n${two}  a`, `${one.slice(1)}  a`]) {
      expect(() => parseHashes(bad)).toThrow(/no line of sha256sum/);
    }
  });
});
