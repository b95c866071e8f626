import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { FilesBase } from './base-files.ts';
import { BaseLibrary } from './base-library.ts';
import { blobSource } from './blob-source.ts';
import { directorySource } from './directory-source.ts';
import { filesRoot } from './file-root.ts';
import { ModelLibrary } from './library.ts';
import { openModel } from './open-model.ts';
import { openMemoryModelDirectory } from './testing/memory-model-directory.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';
import { TINY, tinyFiles } from './testing/tiny-model.ts';

const served = tinyFiles({ config: { ...TINY, feedForward: 512 } });
const WEIGHTS = 'model.safetensors';
const total = Object.values(served).reduce((sum, { length }) => sum + length, 0);

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer(served);
});
afterEach(() => server[Symbol.asyncDispose]());

function base(urlsOf: (name: string) => readonly string[] = (name) => [`${server.url}/${name}`]): FilesBase {
  const files = Object.entries(served).map(([path, content]) => ({
    ...{ path, size: content.length, sha256: toHex(sha256Of(content)), urls: urlsOf(path) },
  }));
  const root = filesRoot(
    files.map(({ path, size, sha256 }) => ({ name: path, size, sha256: sha256.slice(2) })),
  );
  return { kind: 'files', name: 'tiny', root, files };
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
});
