import * as Comlink from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import { BaseLibrary } from '../../models/loading/base-library.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { ModelLibrary } from '../../models/loading/library.ts';
import { openMemoryModelDirectory } from '../../models/loading/testing/memory-model-directory.ts';
import { TINY, tinyFiles } from '../../models/loading/testing/tiny-model.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { connectModels } from '../../workers/model-client.ts';
import { createModelService } from '../../workers/model-service.ts';
import { type ObtainModelOptions, obtainModel } from './obtain-model.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A real service behind messages, on a device without anything. */
function device(room?: number) {
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  const storage = { directory: openMemoryModelDirectory(), room: async () => room };
  const service = createModelService({
    library: new ModelLibrary(storage),
    bases: new BaseLibrary(storage),
    chooseEngine: () => Promise.reject(new Error('No engine here.')),
    deviceMemory: undefined,
    now: () => performance.now(),
  });
  Comlink.expose(service, port1 as unknown as Comlink.Endpoint);
  return connectModels(port2 as unknown as Comlink.Endpoint, () => undefined);
}

function specOf(files: Readonly<Record<string, Uint8Array>>) {
  const named = Object.entries(files).map(([path, bytes]) => ({
    ...{ path, size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
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
    call: () => device(),
    fromMembers: async ({ path }: SourceFile) => files[path] ?? new Uint8Array(),
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
    const call = device();
    const waiting: string[] = [];
    let absences = 2;
    const fromMembers = async ({ path }: SourceFile) => {
      if (path === 'tokenizer.json' && absences-- > 0) throw new Error('nobody');
      return files[path] ?? new Uint8Array();
    };
    const onWaiting = (sentence: string) => waiting.push(sentence);
    const first = await obtainModel(options({ call: () => call, fromMembers, onWaiting }));
    expect(first.model).toMatchObject({ kind: 'stored', files: Object.keys(files) });
    expect(first.serve.map(({ length }) => length)).toEqual(Object.values(files).map(({ length }) => length));
    expect(waiting).toHaveLength(2);
    expect(waiting[0]).toMatch(/tokenizer.json of tiny \(nobody\). This device asks again/);
    // On this device from then on, so that nobody is asked.
    const nobody = () => Promise.reject(new Error('not asked for'));
    expect(await obtainModel(options({ call: () => call, fromMembers: nobody }))).toEqual(first);
  });

  it('takes the model that this device brings, and says when it is no longer here', async () => {
    const call = device();
    const { model } = await obtainModel(options({ call: () => call }));
    if (model.kind !== 'stored') throw new Error('The model is not on this device.');
    const own = { kind: 'stored', id: model.id, name: 'parrot' } as const;
    const brings = { spec: { ...smallSpec, models: 'any' } as const, call: () => call };
    expect(await obtainModel(options({ ...brings, ownModel: own }))).toEqual({ model, serve: [] });
    const gone = { ...own, id: 'ab'.repeat(16) };
    await expect(obtainModel(options({ ...brings, ownModel: gone }))).rejects.toThrow(
      /^parrot, which this device brings to the swarm, is no longer here/,
    );
    const micro = { kind: 'builtin', name: 'micro' } as const;
    const { model: builtin } = await obtainModel(options({ ...brings, ownModel: micro }));
    expect(builtin).toEqual({ kind: 'published', url: 'http://page.test/models/micro/' });
  });

  it('[S-09] refuses other bytes, no room, and a file that members do not pass on', async () => {
    const lies = async () => new Uint8Array(10);
    await expect(obtainModel(options({ fromMembers: lies }))).rejects.toThrow(/not the file that the swarm/);
    await expect(obtainModel(options({ call: () => device(1000) }))).rejects.toThrow(/free disk space/);
    const large = specOf(tinyFiles({ config: { ...TINY, feedForward: 16_384 } }));
    await expect(obtainModel(options({ spec: large }))).rejects.toThrow(
      /model.safetensors has .* members pass on files of at most 1 MiB.*choose it on the swarm’s page/,
    );
    const stopped = AbortSignal.abort(new DOMException('Stopped by you.', 'AbortError'));
    await expect(obtainModel(options({ signal: stopped }))).rejects.toMatchObject({ name: 'AbortError' });
  });
});
