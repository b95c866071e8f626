import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManifestBuilder } from '../../protocol/file-manifest.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { checkBaseFiles, checkBaseRoot, type FilesBase, fetchNamedFile } from './base-files.ts';
import { filesRoot } from './file-root.ts';
import { ModelLoadError } from './model-source.ts';
import { storeSource } from './store-source.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 251);
const config = new TextEncoder().encode('{"model_type":"qwen2"}');
const served = { 'config.json': config, 'model.safetensors': bytes };

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
const weights = (of: FilesBase) => {
  const [, file] = of.files;
  if (file === undefined) throw new Error('The base has two files.');
  return file;
};
const options = { name: 'model.safetensors', wait: async () => undefined };

describe('checkBaseRoot', () => {
  it('[S-09] takes files that have the named root, and refuses any others without a download', () => {
    expect(() => checkBaseRoot(base())).not.toThrow();
    expect(() => checkBaseRoot({ ...base(), root: `0x${'00'.repeat(32)}` })).toThrow(/root/);
    const [first, second] = base().files;
    if (first === undefined || second === undefined) throw new Error('The base has two files.');
    const other = { ...base(), files: [{ ...first, size: first.size + 1 }, second] };
    expect(() => checkBaseRoot(other)).toThrow(ModelLoadError);
    expect(() => checkBaseRoot({ ...base(), files: [{ ...first, path: 'a/b.json' }] })).toThrow(
      /below a folder/,
    );
    expect(server.requests).toEqual([]);
  });
});

describe('fetchNamedFile', () => {
  it('[S-09] goes on where a broken download ended, and checks the whole', async () => {
    const store = openMemoryFileStore();
    server.habits.breaks = { after: 2000, times: 1 };
    await fetchNamedFile({ ...options, file: weights(base()), store });
    expect(store.files.get('model.safetensors')).toEqual(bytes);
    expect(server.requests.some((line) => line.includes('bytes=1999-') || line.includes('bytes=2000-'))).toBe(
      true,
    );
    const of = base();
    const all = storeSource(store, ['model.safetensors']);
    await expect(checkBaseFiles({ ...of, files: [weights(of)] }, all)).resolves.toBeUndefined();
  });

  it('[S-09] takes the next address where one has another file or none', async () => {
    const other = await startModelServer({ 'model.safetensors': bytes.map((byte) => byte ^ 1) });
    try {
      const from = base(() => [
        `${other.url}/absent`,
        `${other.url}/model.safetensors`,
        `${server.url}/model.safetensors`,
      ]);
      const store = openMemoryFileStore();
      await fetchNamedFile({ ...options, file: weights(from), store });
      expect(store.files.get('model.safetensors')).toEqual(bytes);
      const lies = base(() => [`${other.url}/model.safetensors`]);
      await expect(
        fetchNamedFile({ ...options, file: weights(lies), store: openMemoryFileStore() }),
      ).rejects.toThrow(/could not be fetched/);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  it('stops at the size that the specification names', async () => {
    const file = { ...weights(base()), size: 100 };
    const store = openMemoryFileStore();
    await expect(fetchNamedFile({ ...options, file, store })).rejects.toThrow(ModelLoadError);
    expect(store.files.get('model.safetensors')?.length ?? 0).toBeLessThanOrEqual(100);
  });

  it('says what to do where nobody names an address', async () => {
    const file = weights(base(() => []));
    await expect(fetchNamedFile({ ...options, file, store: openMemoryFileStore() })).rejects.toThrow(
      /name its folder/,
    );
    await fetchNamedFile({ ...options, file, folder: `${server.url}/`, store: openMemoryFileStore() });
  });
});

describe('checkBaseFiles', () => {
  it('[S-09] refuses a folder with another file, or without one', async () => {
    const store = openMemoryFileStore();
    const of = base();
    for (const file of of.files) await fetchNamedFile({ ...options, file, name: file.path, store });
    const names = of.files.map(({ path }) => path);
    await checkBaseFiles(of, storeSource(store, names));
    store.files.set(
      'config.json',
      config.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
    );
    await expect(checkBaseFiles(of, storeSource(store, names))).rejects.toThrow(
      /config.json .* is not the file/,
    );
    await expect(checkBaseFiles(of, storeSource(store, ['model.safetensors']))).rejects.toThrow(
      /no config.json/,
    );
  });

  it('[S-15] refuses a file whose manifest is of another one, since members would have either', async () => {
    const large = new Uint8Array(2 ** 20 + 1).fill(7);
    const builder = new ManifestBuilder();
    await builder.update(large);
    const store = openMemoryFileStore();
    store.files.set('large.safetensors', large);
    const of = (manifest: string): FilesBase => ({
      ...base(),
      files: [
        { path: 'large.safetensors', size: large.length, sha256: toHex(sha256Of(large)), urls: [], manifest },
      ],
    });
    const source = storeSource(store, ['large.safetensors']);
    await checkBaseFiles(of(await builder.cid()), source);
    await builder.update(Uint8Array.of(1));
    await expect(checkBaseFiles(of(await builder.cid()), source)).rejects.toThrow(
      /manifest .* is of another file than its SHA-256/,
    );
  });
});
