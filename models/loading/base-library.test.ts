import { concatBytes } from '@noble/hashes/utils.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../protocol/file-manifest.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { FilesBase } from './base-files.ts';
import { BaseLibrary } from './base-library.ts';
import { blobSource } from './blob-source.ts';
import { directorySource } from './directory-source.ts';
import { filesRoot } from './file-root.ts';
import { ModelLibrary } from './library.ts';
import type { ModelDirectory } from './model-directory.ts';
import { openModel } from './open-model.ts';
import { openMemoryModelDirectory } from './testing/memory-model-directory.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';
import { TINY, tinyFiles } from './testing/tiny-model.ts';

const served = tinyFiles({ config: { ...TINY, feedForward: 512 } });
const WEIGHTS = 'model.safetensors';
const total = Object.values(served).reduce((sum, { length }) => sum + length, 0);

/** Weights of more than 1 MiB. */
const chunked = tinyFiles({ config: { ...TINY, feedForward: 16_384 } });

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer(served);
});
afterEach(() => server[Symbol.asyncDispose]());

type UrlsOf = (name: string) => readonly string[];

function base(urlsOf: UrlsOf = (name) => [`${server.url}/${name}`], of = served): FilesBase {
  const files = Object.entries(of).map(([path, content]) => ({
    ...{ path, size: content.length, sha256: toHex(sha256Of(content)), urls: urlsOf(path) },
  }));
  const root = filesRoot(
    files.map(({ path, size, sha256 }) => ({ name: path, size, sha256: sha256.slice(2) })),
  );
  return { kind: 'files', name: 'tiny', root, files };
}

const chunkedBase = (urlsOf: UrlsOf = () => []) => base(urlsOf, chunked);

/** The hashes of a file's manifest. */
async function hashesOf(bytes: Uint8Array): Promise<Uint8Array> {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    hashes.push(sha256Of(bytes.slice(at, at + CHUNK_BYTES)));
  return concatBytes(...hashes);
}

const picked = (files: Readonly<Record<string, Uint8Array>>) =>
  blobSource(Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name)));
const wait = async () => undefined;

describe('BaseLibrary', () => {
  it('[S-09] goes on with a download that was cancelled, and keeps a model that loads', async () => {
    const directory = openMemoryModelDirectory();
    const library = new BaseLibrary({ directory, wait });
    const stop = new AbortController();
    const seen: number[] = [];
    const begun = library.obtain(base(), {
      onProgress: (bytes) => {
        seen.push(bytes);
        if (bytes > total / 2) stop.abort(new DOMException('Stopped by you.', 'AbortError'));
      },
      signal: stop.signal,
    });
    await expect(begun).rejects.toThrow('Stopped by you.');
    const before = server.requests.length;
    const found = await library.obtain(base(), { onProgress: (bytes, of) => seen.push(bytes / of) });
    expect(seen.at(-1)).toBe(1);
    expect(server.requests.slice(before).every((line) => line.startsWith(WEIGHTS))).toBe(true);
    if (found.kind !== 'whole') throw new Error('The model is not whole.');
    const { weights } = await openModel(directorySource(directory, found.id, found.files));
    expect(weights.dtypes).toEqual(['BF16']);

    const requests = server.requests.length;
    expect(await library.obtain(base())).toEqual(found);
    expect(server.requests).toHaveLength(requests);
    // Models shows it, and says whose hashes it has.
    const [listed] = await new ModelLibrary({ directory }).list();
    expect(listed).toMatchObject({ id: found.id, name: 'tiny', url: null, verifiedBy: 'swarm', total });
    expect(listed?.root).toBe(base().root);
  });

  it('[S-09] refuses a wrong root, and a model without room, before anything is fetched', async () => {
    const library = new BaseLibrary({ directory: openMemoryModelDirectory(), wait, room: async () => 1000 });
    await expect(library.obtain({ ...base(), root: `0x${'00'.repeat(32)}` })).rejects.toThrow(/the root/);
    await expect(library.obtain(base())).rejects.toThrow(/free disk space/);
    expect(server.requests).toEqual([]);
  });

  it('takes what no address gives from members and folders, and names what is missing', async () => {
    const directory = openMemoryModelDirectory();
    const library = new BaseLibrary({ directory, wait });
    const of = base(() => []);
    const missing = await library.obtain(of);
    expect(missing.kind === 'missing' && missing.files.map(({ path }) => path)).toEqual(Object.keys(served));
    const { [WEIGHTS]: weights = new Uint8Array(), ...small } = served;
    expect(await library.take(of, picked(small))).toMatchObject({
      kind: 'missing',
      files: [{ path: WEIGHTS }],
    });
    const cut = picked({ [WEIGHTS]: weights.subarray(1) });
    await expect(library.take(of, cut)).rejects.toThrow(/not the file that the swarm names/);
    const other = weights.slice();
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    await expect(library.take(of, picked({ [WEIGHTS]: other }))).rejects.toThrow(/not the file/);
    expect(await library.take(of, picked({ [WEIGHTS]: weights }))).toMatchObject({ kind: 'whole' });
    expect(await library.obtain(of)).toMatchObject({ kind: 'whole' });
  });

  it('uses a model of that root which was downloaded from an address, and misses it once it is deleted', async () => {
    const directory = openMemoryModelDirectory();
    const models = new ModelLibrary({ directory });
    const { id, root } = await models.download({ url: server.url });
    expect(root).toBe(base().root);
    const library = new BaseLibrary({ directory, wait });
    const found = await library.obtain(base(() => []));
    expect(found).toMatchObject({ kind: 'whole', id });
    const source = directorySource(directory, id, [WEIGHTS]);
    const file = await source.open(WEIGHTS);
    await models.remove(id);
    await expect(file?.read(0, 8)).rejects.toThrow(/no longer on this device/);
    expect(await source.open(WEIGHTS)).toBeUndefined();
    expect((await library.obtain(base(() => []))).kind).toBe('missing');
  });

  it('[S-09] takes a file in chunks from members in any order, and goes on with what an address gave', async () => {
    const directory = openMemoryModelDirectory();
    const of = base();
    const { [WEIGHTS]: bytes = new Uint8Array(), ...small } = chunked;
    const named = chunkedBase();
    const library = () => new BaseLibrary({ directory, wait });
    expect(of.root).not.toBe(named.root);
    await library().take(named, picked(small));
    const hashes = await hashesOf(bytes);
    const asked = { base: named, path: WEIGHTS, hashes };
    const put = (index: number) =>
      library().putChunk({
        ...{ base: named, path: WEIGHTS, index },
        bytes: bytes.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
      });
    expect(await library().heldChunks(asked)).toEqual([]);
    const last = hashes.length / 32 - 1;
    for (const index of [last, 1]) await put(index);
    // Another visit finds both, and asks for nothing of them.
    expect(await library().heldChunks(asked)).toEqual([1, last]);
    // The file has its size, and is not taken for whole.
    expect((await library().obtain(named)).kind).toBe('missing');
    for (let index = 0; index < last; index++) await put(index);
    expect((await library().obtain(named)).kind).toBe('missing');
    const found = await library().finishChunks(asked);
    expect(found).toMatchObject({ kind: 'whole' });
    expect(await library().obtain(named)).toEqual(found);
    const reader = found.kind === 'whole' ? await directory.reader(found.id, WEIGHTS) : undefined;
    expect(Buffer.compare((await reader?.read(0, bytes.length)) ?? new Uint8Array(), bytes)).toBe(0);
  });

  it('[S-09] counts what an address gave before it broke, and starts it over where it works again', async () => {
    const directory = openMemoryModelDirectory();
    const { [WEIGHTS]: bytes = new Uint8Array() } = chunked;
    for (const [name, content] of Object.entries(chunked))
      server.files.set(name, { bytes: content, etag: `"${name}"` });
    server.habits.breaks = { after: CHUNK_BYTES + 1000, times: 4 };
    const named = chunkedBase((name) => [`${server.url}/${name}`]);
    const library = new BaseLibrary({ directory, wait });
    const begun = await library.obtain(named);
    expect(begun).toMatchObject({ kind: 'missing', files: [{ path: WEIGHTS }] });
    const held = await library.heldChunks({ base: named, path: WEIGHTS, hashes: await hashesOf(bytes) });
    expect(held).toContain(0);
    server.requests.splice(0);
    expect(await library.obtain(named)).toMatchObject({ kind: 'whole' });
    expect(server.requests).toEqual([`${WEIGHTS} all`]);
  });

  it('[S-09] keeps a file open while chunks come, and lets go of it when none comes any more', async () => {
    const plain = openMemoryModelDirectory();
    const open = { now: 0, times: 0 };
    const directory: ModelDirectory = {
      ...plain,
      async open(folder) {
        const store = await plain.open(folder);
        return {
          ...store,
          async open(name, options) {
            const file = await store.open(name, options);
            if (file === undefined || name !== WEIGHTS) return file;
            open.now++;
            open.times++;
            const close = async (): Promise<void> => {
              open.now--;
              await file.close();
            };
            return { ...file, close };
          },
        };
      },
    };
    const timers: (() => void)[] = [];
    const after = (_ms: number, run: () => void) => {
      timers.push(run);
      return () => void timers.splice(timers.indexOf(run), 1);
    };
    const library = new BaseLibrary({ directory, wait, after });
    const of = { base: chunkedBase(), path: WEIGHTS };
    const bytes = chunked[WEIGHTS] ?? new Uint8Array();
    const put = (index: number) => {
      const chunk = bytes.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
      return library.putChunk({ ...of, index, bytes: chunk });
    };
    const count = Math.ceil(bytes.length / CHUNK_BYTES);
    await Promise.all([put(0), put(1), put(2)]);
    expect(open).toEqual({ now: 1, times: 1 });
    expect(timers).toHaveLength(1);
    for (const run of timers.splice(0)) run();
    // The queue of the library has closed it by then.
    const held = await library.heldChunks({ ...of, hashes: await hashesOf(bytes) });
    expect(held).toEqual([0, 1, 2]);
    expect(open.now).toBe(0);
    for (let index = 3; index < count; index++) await put(index);
    expect(open).toMatchObject({ now: 1, times: 3 });
    // Whatever else needs the file does not wait for the timer.
    await library.finishChunks(of);
    expect(open.now).toBe(0);
    expect(timers).toHaveLength(0);
  });

  it('[S-09] hashes chunks as they come, in any order and also twice, and reads back what it must', async () => {
    const bytes = chunked[WEIGHTS] ?? new Uint8Array();
    const count = Math.ceil(bytes.length / CHUNK_BYTES);
    const inOrder = Array.from({ length: count }, (_, index) => index);
    const swapped = inOrder.map((index) => (index % 2 === 0 ? Math.min(index + 1, count - 1) : index - 1));
    const orders = [
      inOrder,
      [...inOrder].reverse(),
      [...new Set([...swapped, ...inOrder])],
      [...inOrder, 0, 1],
      [0, 0, ...inOrder.slice(1)],
    ];
    for (const order of orders) {
      const library = new BaseLibrary({ directory: openMemoryModelDirectory(), wait });
      const of = { base: chunkedBase(), path: WEIGHTS };
      await library.heldChunks({ ...of, hashes: await hashesOf(bytes) });
      for (const index of order) {
        const chunk = bytes.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
        await library.putChunk({ ...of, index, bytes: chunk });
      }
      const { kind } = await library.finishChunks(of);
      // The other files are not there.
      expect(kind).toBe('missing');
      // A wrong chunk among right ones is found, whichever it is and whenever it came.
      const wrong = must(order, order.length >> 1);
      const other = new BaseLibrary({ directory: openMemoryModelDirectory(), wait });
      await other.heldChunks({ ...of, hashes: await hashesOf(bytes) });
      for (const index of order) {
        const chunk = bytes.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
        if (index === wrong) chunk[7] = (chunk[7] ?? 0) ^ 1;
        await other.putChunk({ ...of, index, bytes: chunk });
      }
      await expect(other.finishChunks(of)).rejects.toThrow('is of another file than its SHA-256');
    }
  });

  it('[S-09] refuses chunks that fit no file of the swarm, and deletes a file with another SHA-256', async () => {
    const directory = openMemoryModelDirectory();
    const library = new BaseLibrary({ directory, wait });
    const named = chunkedBase();
    const { [WEIGHTS]: bytes = new Uint8Array() } = chunked;
    const of = { base: named, path: WEIGHTS };
    const hashes = await hashesOf(bytes);
    await expect(library.heldChunks({ ...of, hashes: hashes.subarray(32) })).rejects.toThrow(/take another/);
    await expect(library.heldChunks({ ...of, path: 'x.bin', hashes })).rejects.toThrow(/has no file x.bin/);
    for (const [index, length] of [
      [0, 5],
      [-1, CHUNK_BYTES],
      [99, CHUNK_BYTES],
    ] as const) {
      const wrong = { ...of, index, bytes: new Uint8Array(length) };
      await expect(library.putChunk(wrong)).rejects.toThrow(RangeError);
    }
    expect(await library.heldChunks({ ...of, hashes })).toEqual([]);
    await expect(library.finishChunks(of)).rejects.toThrow(/is of another file than its SHA-256/);
    const full = new BaseLibrary({ directory: openMemoryModelDirectory({ capacity: 100_000 }), wait });
    await expect(full.heldChunks({ ...of, hashes })).rejects.toMatchObject({ name: 'StorageFullError' });
  });
});
