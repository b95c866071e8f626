import * as Comlink from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BaseLibrary } from '../../models/loading/base-library.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { ModelLibrary } from '../../models/loading/library.ts';
import { openMemoryModelDirectory } from '../../models/loading/testing/memory-model-directory.ts';
import { TINY, tinyFiles } from '../../models/loading/testing/tiny-model.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { partsSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { fileCid, StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { CHUNK, manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { type FromMembers, fromPeers, offerFile } from '../../swarm/content/member-files.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { connectModels } from '../../workers/model-client.ts';
import { createModelService } from '../../workers/model-service.ts';
import { type ObtainModelOptions, obtainModel } from './obtain-model.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A device without anything: a real service behind messages, and what a page reads of its storage. */
function device(o: { readonly room?: number; readonly capacity?: number } = {}) {
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  const directory = openMemoryModelDirectory(o.capacity === undefined ? {} : { capacity: o.capacity });
  const storage = { directory, room: async () => o.room };
  const service = createModelService({
    library: new ModelLibrary(storage),
    bases: new BaseLibrary(storage),
    chooseEngine: () => Promise.reject(new Error('No engine here.')),
    deviceMemory: undefined,
    now: () => performance.now(),
  });
  Comlink.expose(service, port1 as unknown as Comlink.Endpoint);
  const client = connectModels(port2 as unknown as Comlink.Endpoint, () => undefined);
  return { call: () => client, models: directory };
}

/** Content of several members in one process. */
async function peer(network: MemoryNetwork, name: string) {
  const store = new StoreWithLocalFiles(new MemoryStore(1024));
  const content = await startContent({
    ...{ store, transport: network.transport(name), scheduler: systemScheduler },
  });
  closing.push(() => void content.stop());
  return { store, content };
}

const nobody = (): FromMembers => ({
  small: () => Promise.reject(new Error('not asked for')),
  large: () => Promise.reject(new Error('not asked for')),
});
const small = (give: FromMembers['small']): FromMembers => ({ ...nobody(), small: give });

function specOf(
  files: Readonly<Record<string, Uint8Array>>,
  manifests: Readonly<Record<string, string>> = {},
) {
  const named = Object.entries(files).map(([path, bytes]) => ({
    ...{ path, size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
    ...(manifests[path] === undefined ? {} : { manifest: manifests[path] }),
  }));
  const hashed = named.map(({ path, size, sha256 }) => ({ name: path, size, sha256: sha256.slice(2) }));
  const base = { kind: 'files', name: 'tiny', root: filesRoot(hashed), files: named } as const;
  return { ...smallSpec, base };
}

const files = tinyFiles();
const spec = specOf(files);

function options(change: Partial<ObtainModelOptions>): ObtainModelOptions {
  return {
    spec,
    ownModel: null,
    page: 'http://page.test/',
    ...device(),
    fromMembers: small(async ({ path }) => files[path] ?? new Uint8Array()),
    onProgress: () => undefined,
    onWaiting: () => undefined,
    sleep: async () => undefined,
    signal: new AbortController().signal,
    ...change,
  };
}

describe('obtainModel', () => {
  it('names the place of a built-in model, and starts no worker for it', async () => {
    const { root, folder, name } = must(BUILTIN_MODELS, 0);
    const call = () => {
      throw new Error('No worker is needed.');
    };
    const builtin = { ...smallSpec, base: { kind: 'builtin', name, root } } as const;
    const { model, serve } = await obtainModel(options({ spec: builtin, call }));
    expect(model).toEqual({ kind: 'published', url: `http://page.test/${folder}` });
    expect(serve).toEqual([]);
    await expect(obtainModel(options({ spec: smallSpec }))).rejects.toThrow(/lacks the swarm’s model nano/);
  });

  it('[S-09] asks members until one has a file, keeps it, and serves it from then on', async () => {
    const own = device();
    const waiting: string[] = [];
    let absences = 2;
    const fromMembers = small(async ({ path }) => {
      if (path === 'tokenizer.json' && absences-- > 0) throw new Error('nobody');
      return files[path] ?? new Uint8Array();
    });
    const onWaiting = (sentence: string) => waiting.push(sentence);
    const first = await obtainModel(options({ ...own, fromMembers, onWaiting }));
    expect(first.model).toMatchObject({ kind: 'stored', files: Object.keys(files) });
    expect(first.serve.map(({ file }) => file.path)).toEqual(Object.keys(files));
    for (const { file, local } of first.serve)
      expect(await local.read(0, local.size)).toEqual(files[file.path]);
    expect(waiting).toHaveLength(2);
    expect(waiting[0]).toMatch(/tokenizer.json of tiny \(nobody\). This device asks again/);
    // On this device from then on, so that nobody is asked.
    const { model } = await obtainModel(options({ ...own, fromMembers: nobody() }));
    expect(model).toEqual(first.model);
  });

  it('[S-15] fetches nothing of a base that is read in parts, unless it is here as a whole', async () => {
    const { blocks, trained } = partsSpec;
    const base = { ...spec.base, frozenRoot: `0x${'1e'.repeat(32)}` } as const;
    const inParts = { ...spec, base, blocks, trained };
    const own = device();
    const asked = { ...own, spec: inParts, fromMembers: nobody() };
    expect(await obtainModel(options(asked))).toEqual({ model: { kind: 'chunked', base }, serve: [] });
    await obtainModel(options(own));
    const here = await obtainModel(options(asked));
    expect(here.model.kind).toBe('stored');
    expect(here.serve.map(({ file }) => file.path)).toEqual(Object.keys(files));
    const wrong = { ...inParts, base: { ...base, root: `0x${'00'.repeat(32)}` } as const };
    await expect(obtainModel(options({ ...asked, spec: wrong }))).rejects.toThrow(/does not have the root/);
  });

  it('takes the model that this device brings, and says when it is no longer here', async () => {
    const here = device();
    const { model } = await obtainModel(options({ ...here }));
    if (model.kind !== 'stored') throw new Error('The model is not on this device.');
    const own = { kind: 'stored', id: model.id, name: 'parrot' } as const;
    const brings = { spec: { ...smallSpec, models: 'any' } as const };
    expect(await obtainModel(options({ ...brings, ...here, ownModel: own }))).toEqual({ model, serve: [] });
    const gone = { ...own, id: 'ab'.repeat(16) };
    await expect(obtainModel(options({ ...brings, ...here, ownModel: gone }))).rejects.toThrow(
      /^parrot, which this device brings to the swarm, is no longer here/,
    );
    const micro = { kind: 'builtin', name: 'micro' } as const;
    const { model: builtin } = await obtainModel(options({ ...brings, ...here, ownModel: micro }));
    expect(builtin).toEqual({ kind: 'published', url: 'http://page.test/models/micro/' });
  });

  it('[S-09] refuses other bytes, no room, and a file that members do not pass on', async () => {
    const fromMembers = small(async () => new Uint8Array(10));
    await expect(obtainModel(options({ fromMembers }))).rejects.toThrow(/not the file that the swarm/);
    await expect(obtainModel(options(device({ room: 1000 })))).rejects.toThrow(/free disk space/);
    await expect(obtainModel(options({ spec: specOf(largeFiles) }))).rejects.toThrow(
      /model.safetensors has .* names no manifest.*choose it on the swarm’s page/,
    );
    const stopped = AbortSignal.abort(new DOMException('Stopped by you.', 'AbortError'));
    await expect(obtainModel(options({ signal: stopped }))).rejects.toMatchObject({ name: 'AbortError' });
  });
});

const WEIGHTS = 'model.safetensors';
/** Weights of more than 1 MiB. */
const largeFiles = tinyFiles({ config: { ...TINY, feedForward: 16_384 } });
const weights = largeFiles[WEIGHTS] ?? new Uint8Array();

describe('a model with weights of more than 1 MiB', () => {
  const manifest = async (of: Uint8Array) => fileCid(await manifestOf(of, webHash));
  const spec = async (of = weights) => specOf(largeFiles, { [WEIGHTS]: await manifest(of) });

  /** A tab that has the model, with a count of the chunks that it gave, and another one that asks it. */
  async function twoTabs() {
    const network = new MemoryNetwork();
    const [has, asks] = [await peer(network, 'has'), await peer(network, 'asks')];
    const first = device();
    const of = await spec();
    const base = of.base;
    const blobs = Object.entries(largeFiles).map(([name, bytes]) => ({
      ...{ name, path: name, blob: new Blob([new Uint8Array(bytes)]) },
    }));
    await first.call()('take', { base, files: blobs });
    const { serve } = await obtainModel(options({ ...first, spec: of, fromMembers: nobody() }));
    expect(serve.map(({ file }) => file.path)).toEqual(Object.keys(largeFiles));
    for (const { file, local } of serve) offerFile(has.store, file, local);
    const given = vi.spyOn(has.store, 'chunk');
    const fromMembers = fromPeers(asks.content, () => ['has']);
    return { spec: of, first, fromMembers, chunks: () => given.mock.calls.length };
  }

  it('[S-09] comes from the storage of another tab in chunks, is whole from then on, and is served', async () => {
    const { spec, fromMembers, chunks } = await twoTabs();
    const second = device();
    const progress: number[] = [];
    const total = spec.base.files.reduce((sum, { size }) => sum + size, 0);
    const { model, serve } = await obtainModel(
      options({
        ...{ ...second, spec, fromMembers },
        onProgress: (bytes, of) => {
          expect(of).toBe(total);
          progress.push(bytes);
        },
      }),
    );
    expect(model).toMatchObject({ kind: 'stored', files: Object.keys(largeFiles) });
    expect(chunks()).toBe(Math.ceil(weights.length / CHUNK));
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(total);
    const served = serve.find(({ file }) => file.path === WEIGHTS);
    expect(Buffer.compare((await served?.local.read(0, weights.length)) ?? new Uint8Array(), weights)).toBe(
      0,
    );
    // Deleted under Models: absent for members, and no failure.
    if (model.kind === 'stored') await second.models.remove(model.id);
    expect(await served?.local.read(0, 10)).toBeUndefined();
  });

  it('[S-09] goes on after a stop with the chunks that came, and asks for no other', async () => {
    const { spec, fromMembers } = await twoTabs();
    const second = device();
    const stop = new AbortController();
    const stopped = obtainModel(
      options({
        ...{ ...second, spec, fromMembers, signal: stop.signal },
        onProgress: (bytes) => {
          if (bytes > weights.length / 2) stop.abort(new DOMException('Stopped by you.', 'AbortError'));
        },
      }),
    );
    await expect(stopped).rejects.toThrow('Stopped by you.');
    // After the chunks that were under way: the worker does one thing after another.
    const { hashes } = await manifestOf(weights, webHash);
    const held = await second.call()('heldChunks', { base: spec.base, path: WEIGHTS, hashes });
    const all = Math.ceil(weights.length / CHUNK);
    expect(held.length).toBeGreaterThanOrEqual(all / 2 - 1);
    expect(held.length).toBeLessThan(all);
    const { fromMembers: others, chunks } = await twoTabs();
    await obtainModel(options({ ...second, spec, fromMembers: others }));
    expect(chunks()).toBe(all - held.length);
  });

  it('[S-09] is refused at once where this device cannot take it: another file, no room', async () => {
    const { fromMembers, spec: named } = await twoTabs();
    const lies = specOf(
      { ...largeFiles, [WEIGHTS]: weights.map((byte) => byte ^ 1) },
      {
        [WEIGHTS]: await manifest(weights),
      },
    );
    await expect(
      obtainModel(options({ ...device(), spec: lies, fromMembers: asIfSmall(fromMembers) })),
    ).rejects.toThrow(/is of another file than its SHA-256/);
    const longer = specOf(
      { ...largeFiles, [WEIGHTS]: new Uint8Array(weights.length + 1) },
      {
        [WEIGHTS]: await manifest(weights),
      },
    );
    await expect(
      obtainModel(options({ ...device(), spec: longer, fromMembers: asIfSmall(fromMembers) })),
    ).rejects.toThrow(/has 3\d+ bytes, and its manifest 3\d+. Take another swarm/);
    // The browser says nothing of the room, and there is none for the weights.
    const full = device({ capacity: weights.length });
    await expect(obtainModel(options({ ...full, spec: named, fromMembers }))).rejects.toMatchObject({
      kind: 'storage-full',
    });
  });
});

/** The small files of the model beside what members give of large ones. */
function asIfSmall({ large }: FromMembers): FromMembers {
  return { large, small: async ({ path }) => largeFiles[path] ?? new Uint8Array() };
}
