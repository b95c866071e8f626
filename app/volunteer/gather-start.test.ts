import { afterEach, expect, it } from 'vitest';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry } from '../../protocol/swarm-spec.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { fileCid, type LocalFile, StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { CHUNK, manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { fileInMemory, fromPeers, offerFile } from '../../swarm/content/member-files.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { gatherStart } from './gather-start.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Questions of more than 1 MiB, no two chunks alike. */
const questions = new TextEncoder().encode(
  Array.from({ length: 40_000 }, (_, n) => `{"prompt":"${n}+0","answer":"${n}"}\n`).join(''),
);

async function entry(): Promise<DataSetEntry> {
  const manifest = await fileCid(await manifestOf(questions, webHash));
  return {
    id: 'sums',
    file: {
      ...{ path: 'sums.jsonl', size: questions.length, sha256: toHex(sha256Of(questions)), urls: [] },
      manifest,
    },
    fields: { prompt: 'prompt', answer: 'answer' },
    heldOutOneIn: 5,
    checker: { kind: 'number' },
  };
}

it('[S-09] takes questions of more than 1 MiB from members in chunks, goes on where one broke off, and serves them', async () => {
  expect(questions.length).toBeGreaterThan(2 ** 20);
  const network = new MemoryNetwork();
  const [has, asks] = await Promise.all(
    ['has', 'asks'].map(async (name) => {
      const store = new StoreWithLocalFiles(new MemoryStore(1024));
      const content = await startContent({
        ...{ store, transport: network.transport(name), scheduler: systemScheduler },
      });
      closing.push(() => content.stop());
      return { store, content };
    }),
  );
  if (has === undefined || asks === undefined) throw new Error('Two peers were started.');
  const of = await entry();
  const chunks = Math.ceil(questions.length / CHUNK);
  const given: number[] = [];
  // Four chunks are read at a time.
  const parts = Math.ceil(chunks / 4);
  let gives = 1;
  const whole = fileInMemory(questions);
  const local: LocalFile = {
    size: questions.length,
    async read(offset, length) {
      // The manifest is read from the file before a chunk is.
      if (given.length >= chunks + gives) return undefined;
      given.push(offset);
      return whole.read(offset, length);
    },
  };
  offerFile(has.store, of.file, local);
  const waiting: (string | null)[] = [];
  const served: string[] = [];
  const { dataSets, model } = await gatherStart({
    spec: { ...smallSpec, tasks: { ...smallSpec.tasks, dataSets: [of] } },
    ownModel: null,
    page: 'http://page.test/',
    files: { get: async () => undefined, put: async () => undefined },
    joining: Promise.resolve({
      fromMembers: fromPeers(asks.content, () => ['has']),
      serve: (file, { size }) => void served.push(`${file.path} ${size}`),
    }),
    obtainModel: async () => ({ model: { kind: 'published', url: 'http://page.test/nano/' }, serve: [] }),
    fetcher: async () => new Response(null, { status: 404 }),
    async sleep() {
      gives = parts;
    },
    onStep: () => undefined,
    onNotice: (sentence) => waiting.push(sentence),
    signal: new AbortController().signal,
  });
  expect(Buffer.compare(dataSets.get('sums') ?? new Uint8Array(), questions)).toBe(0);
  expect(model).toMatchObject({ kind: 'published' });
  // Once for the manifest, and each part once.
  expect(given.slice(chunks).sort((a, b) => a - b)).toEqual(
    Array.from({ length: parts }, (_, index) => 4 * index * CHUNK),
  );
  expect(waiting.filter((each) => each !== null)).toHaveLength(1);
  expect(waiting.at(-1)).toBeNull();
  expect(served).toEqual([`sums.jsonl ${questions.length}`]);
});

it('takes the word that nobody gives a file back once bytes of it come', async () => {
  const said: (string | null)[] = [];
  const steps: (number | undefined)[] = [];
  const root = `0x${'2c'.repeat(32)}` as const;
  await gatherStart({
    spec: { ...smallSpec, base: { kind: 'files', name: 'parrot', root, files: [] } },
    ownModel: null,
    page: 'http://page.test/',
    files: { get: async () => undefined, put: async () => undefined },
    joining: new Promise(() => undefined),
    async obtainModel({ onProgress, onWaiting }) {
      onProgress(10, 100);
      onWaiting('Nobody gives it.');
      // The next round of asking begins with what is here.
      onProgress(10, 100);
      onWaiting('Nobody gives it.');
      onProgress(10, 100);
      onProgress(20, 100);
      onProgress(30, 100);
      return { model: { kind: 'stored', id: 'ab', files: [] }, serve: [] };
    },
    fetcher: () => Promise.reject(new Error('not asked for')),
    sleep: async () => undefined,
    onStep: (_step, progress) => steps.push(progress),
    onNotice: (sentence) => said.push(sentence),
    signal: new AbortController().signal,
  });
  expect(said).toEqual(['Nobody gives it.', 'Nobody gives it.', null, null]);
  expect(steps).toEqual([undefined, 0.1, 0.1, 0.1, 0.2, 0.3, undefined]);
});

it('[S-15] opens a model of which parts are read, from members, into the store that it is given', async () => {
  const bytes = Uint8Array.from({ length: 700 }, (_, at) => at & 255);
  const file = { path: 'config.json', size: 700, sha256: toHex(sha256Of(bytes)), urls: [] };
  const root = `0x${'2c'.repeat(32)}` as const;
  const base = { kind: 'files', name: 'parrot', root, frozenRoot: root, files: [file] } as const;
  const said: (string | null)[] = [];
  const served: string[] = [];
  let asks = 0;
  const { model } = await gatherStart({
    spec: { ...smallSpec, base },
    ownModel: null,
    page: 'http://page.test/',
    files: { get: async () => undefined, put: async () => undefined },
    joining: Promise.resolve({
      fromMembers: {
        async small() {
          if (asks++ < 3) throw new ContentError('nobody');
          return bytes;
        },
        large: () => Promise.reject(new Error('not asked for')),
      },
      serve: ({ path }) => void served.push(path),
    }),
    obtainModel: async () => ({ model: { kind: 'chunked', base }, serve: [] }),
    fetcher: () => Promise.reject(new Error('not asked for')),
    sleep: async () => undefined,
    onStep: () => undefined,
    onNotice: (sentence) => said.push(sentence),
    signal: new AbortController().signal,
  });
  if (model.kind !== 'chunked') throw new Error('The model is read in parts.');
  expect(model.files).toEqual([file]);
  expect(asks).toBe(0);
  const store = Object.assign(new MemoryStore(), { forgetChunk: async () => undefined });
  const { signal } = new AbortController();
  const part = await model.open(async () => store).read('config.json', 9, 4, signal);
  expect(part).toEqual(bytes.slice(9, 13));
  expect(said).toEqual([null, expect.stringMatching(/^Nobody who is here now gives/), null]);
  expect(served).toEqual(['config.json']);
  // From the store, by another page.
  await model.open(async () => store).read('config.json', 0, 1, signal);
  expect(asks).toBe(4);
});
