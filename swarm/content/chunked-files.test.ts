import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { DirectoryContent } from '../blocks/directory-content.ts';
import { systemScheduler } from '../scheduler.ts';
import { MemoryFiles } from '../testing/memory-files.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { ChunkedFiles, type ChunkedFilesOptions } from './chunked-files.ts';
import { fileCid, StoreWithLocalFiles } from './local-files.ts';
import { CHUNK, manifestOf, webHash } from './manifest.ts';
import { fileInMemory, fromPeers, offerFile } from './member-files.ts';
import { startContent } from './service.ts';
import { MemoryStore } from './store.ts';

const bytesOf = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) & 255);

const LARGE = bytesOf(12 * CHUNK + 77);
const SMALL = bytesOf(700);

async function named(urls: readonly string[] = []): Promise<readonly SourceFile[]> {
  const manifest = await fileCid(await manifestOf(LARGE, webHash));
  const of = (path: string, bytes: Uint8Array) => ({
    ...{ path, size: bytes.length, sha256: toHex(sha256Of(bytes)) },
    urls: urls.map((url) => `${url}${path}`),
  });
  return [{ ...of('model.safetensors', LARGE), manifest }, of('config.json', SMALL)];
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const { signal } = new AbortController();
const NO_FETCH: typeof fetch = () => Promise.reject(new TypeError('fetch failed'));

/** A member on the network, with what it has of the files. */
async function member(network: MemoryNetwork, name: string, quotaBytes = 2 ** 30) {
  const kept = await DirectoryContent.open({ files: new MemoryFiles(), quotaBytes, reserves: 'chunks' });
  const store = new StoreWithLocalFiles(new MemoryStore());
  const content = await startContent({
    ...{ store, transport: network.transport(name), scheduler: systemScheduler },
  });
  closing.push(() => content.stop());
  const waits: (string | null)[] = [];
  const open = (
    files: readonly SourceFile[],
    sources: readonly string[],
    change: Partial<ChunkedFilesOptions> = {},
  ) =>
    new ChunkedFiles({
      files,
      openStore: async () => kept,
      fromMembers: fromPeers(content, () => sources),
      fetcher: NO_FETCH,
      serve: (file, local, manifest) => offerFile(store, file, local, manifest),
      onWaiting: (sentence) => waits.push(sentence),
      sleep: async () => undefined,
      ...change,
    });
  return { store, kept, waits, open };
}

/** A member that has the files whole. */
async function starter(network: MemoryNetwork, files: readonly SourceFile[]) {
  const { store } = await member(network, 'starter');
  for (const file of files) offerFile(store, file, fileInMemory(file.path === 'config.json' ? SMALL : LARGE));
}

/** A server of the files that knows ranges, unless it is told otherwise. */
function server(o: { readonly ranges?: boolean; readonly change?: (bytes: Uint8Array) => void } = {}) {
  const asked: (string | null)[] = [];
  const fetcher: typeof fetch = async (input, init) => {
    const range = new Headers(init?.headers).get('range');
    asked.push(range);
    const bytes = (String(input).endsWith('config.json') ? SMALL : LARGE).slice();
    o.change?.(bytes);
    const [, begin, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    if (begin === undefined || end === undefined || o.ranges === false) return new Response(bytes);
    return new Response(bytes.slice(Number(begin), Number(end) + 1), {
      status: 206,
      headers: { 'content-range': `bytes ${begin}-${end}/${bytes.length}` },
    });
  };
  return { fetcher, asked };
}

const URLS = ['https://models.example/'];

describe('files that are read in parts', () => {
  it('[S-15] gives any part with the bytes of the file, and fetches no chunk twice', async () => {
    const network = new MemoryNetwork();
    const files = await named();
    await starter(network, files);
    const { open } = await member(network, 'reader');
    const chunked = open(files, ['starter']);
    await fc.assert(
      fc.asyncProperty(fc.nat(LARGE.length), fc.nat(3 * CHUNK), async (offset, most) => {
        const length = Math.min(most, LARGE.length - offset);
        const part = await chunked.read('model.safetensors', offset, length, signal);
        expect(equalBytes(part, LARGE.slice(offset, offset + length))).toBe(true);
      }),
      { numRuns: 40 },
    );
    expect(await chunked.read('config.json', 3, 9, signal)).toEqual(SMALL.slice(3, 12));
    expect(chunked.fetchedBytes).toBeLessThanOrEqual(LARGE.length + SMALL.length);
  });

  it('[S-15] fetches the chunks of the part alone, and none that its store has from before', async () => {
    const network = new MemoryNetwork();
    const files = await named();
    await starter(network, files);
    const { open, kept } = await member(network, 'reader');
    const chunked = open(files, ['starter']);
    await chunked.read('model.safetensors', 5 * CHUNK - 1, 2, signal);
    expect(chunked.fetchedBytes).toBe(2 * CHUNK);
    expect([...(await kept.held(files[0]?.manifest ?? ''))].sort()).toEqual([4, 5]);
    const again = open(files, []);
    expect(await again.read('model.safetensors', 5 * CHUNK - 1, 2, signal)).toEqual(
      LARGE.slice(5 * CHUNK - 1, 5 * CHUNK + 1),
    );
    expect(again.fetchedBytes).toBe(0);
  });

  it('[S-15] passes on what it has, and asks again for what nobody has yet', async () => {
    const network = new MemoryNetwork();
    const files = await named();
    await starter(network, files);
    const first = await member(network, 'first');
    await first.open(files, ['starter']).read('model.safetensors', 0, 2 * CHUNK, signal);
    const second = await member(network, 'second');
    let sources = ['first'];
    const chunked = second.open(files, ['first'], {
      fromMembers: fromPeers(
        await startContent({
          ...{ store: new MemoryStore(), transport: network.transport('asks'), scheduler: systemScheduler },
        }),
        () => sources,
      ),
      async sleep() {
        if (second.waits.length === 1) sources = ['first', 'starter'];
      },
    });
    expect(await chunked.read('model.safetensors', CHUNK, 9, signal)).toEqual(LARGE.slice(CHUNK, CHUNK + 9));
    expect(second.waits).toEqual([]);
    expect(await chunked.read('model.safetensors', 7 * CHUNK, 9, signal)).toEqual(
      LARGE.slice(7 * CHUNK, 7 * CHUNK + 9),
    );
    // A person is told once, as a device that has just joined knows nobody yet.
    expect(second.waits).toEqual([
      expect.stringMatching(/^Nobody who is here now gives what this device needs of model.safetensors/),
      null,
    ]);
  });

  it('[S-15] takes ranges from an address, compares them, and turns to members for others', async () => {
    const network = new MemoryNetwork();
    const files = await named(URLS);
    await starter(network, files);
    const { open } = await member(network, 'reader');
    const right = server();
    const chunked = open(files, ['starter'], { fetcher: right.fetcher });
    expect(await chunked.read('model.safetensors', CHUNK + 5, 9, signal)).toEqual(
      LARGE.slice(CHUNK + 5, CHUNK + 14),
    );
    expect(right.asked).toEqual([`bytes=${CHUNK}-${2 * CHUNK - 1}`]);
    const lies = [
      server({ change: (bytes) => bytes.fill(7, 3 * CHUNK) }),
      server({ ranges: false }),
      { fetcher: NO_FETCH },
      { fetcher: async () => new Response('gone', { status: 404 }) },
    ];
    for (const { fetcher } of lies) {
      const other = await member(network, `reader ${lies.findIndex((each) => each.fetcher === fetcher)}`);
      const fromOthers = other.open(files, ['starter'], { fetcher });
      expect(await fromOthers.read('model.safetensors', 3 * CHUNK, 9, signal)).toEqual(
        LARGE.slice(3 * CHUNK, 3 * CHUNK + 9),
      );
      expect(await fromOthers.read('config.json', 0, SMALL.length, signal)).toEqual(SMALL);
    }
  });

  it('[S-15] works the manifest out from an address where no member is there, and keeps nothing of it', async () => {
    const network = new MemoryNetwork();
    const files = await named(URLS);
    const { open, kept } = await member(network, 'alone');
    const { fetcher, asked } = server();
    const chunked = open(files, [], { fetcher });
    expect(await chunked.read('model.safetensors', 9 * CHUNK, 9, signal)).toEqual(
      LARGE.slice(9 * CHUNK, 9 * CHUNK + 9),
    );
    expect(asked).toEqual([null, `bytes=${9 * CHUNK}-${10 * CHUNK - 1}`]);
    expect([...(await kept.held(files[0]?.manifest ?? ''))]).toEqual([9]);
  });

  it('[S-15] asks an address again whose connection broke, where no member is there', async () => {
    const network = new MemoryNetwork();
    const files = await named(URLS);
    const { open } = await member(network, 'alone');
    const { fetcher } = server();
    let breaks = 2;
    const broken: typeof fetch = async (input, init) => {
      if (breaks-- <= 0) return fetcher(input, init);
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(LARGE.slice(0, CHUNK));
          controller.error(new TypeError('terminated'));
        },
      });
      return new Response(body);
    };
    const part = await open(files, [], { fetcher: broken }).read('model.safetensors', 5, 9, signal);
    expect(part).toEqual(LARGE.slice(5, 14));
  });

  it('[S-15] reads on where its store has no room', async () => {
    const network = new MemoryNetwork();
    const files = await named();
    await starter(network, files);
    const { open, kept } = await member(network, 'reader', 600);
    const chunked = open(files, ['starter']);
    for (const _ of [0, 1]) {
      const part = await chunked.read('model.safetensors', 1, CHUNK, signal);
      expect(equalBytes(part, LARGE.slice(1, CHUNK + 1))).toBe(true);
    }
    expect(chunked.fetchedBytes).toBe(4 * CHUNK);
    expect(await chunked.read('config.json', 0, 5, signal)).toEqual(SMALL.slice(0, 5));
    expect(kept.usedBytes).toBe(0);
  });

  it('[S-15] gives up what is needed no more where there is no room, the oldest first, and nothing else', async () => {
    const network = new MemoryNetwork();
    const files = await named();
    await starter(network, files);
    const { open, kept } = await member(network, 'reader', 4 * CHUNK);
    const chunked = open(files, ['starter']);
    const name = 'model.safetensors';
    const read = (index: number) => chunked.read(name, index * CHUNK, 1, signal);
    const held = async () => [...(await kept.held(files[0]?.manifest ?? ''))].sort((a, b) => a - b);
    for (const index of [0, 1, 2, 3]) await read(index);
    chunked.release([
      { name, begin: CHUNK - 1, end: 3 * CHUNK + 1 },
      { name: 'config.json', begin: 0, end: 9 },
      { name: 'another', begin: 0, end: 9 },
    ]);
    // There was room until now.
    expect(await held()).toEqual([0, 1, 2, 3]);
    await read(7);
    expect(await held()).toEqual([0, 2, 3, 7]);
    // It is needed again.
    await read(2);
    await read(8);
    expect(await held()).toEqual([0, 2, 3, 7]);
    // The end of a file belongs to whoever needs its last byte.
    await read(12);
    chunked.release([{ name, begin: 7 * CHUNK, end: LARGE.length }]);
    await read(12);
    await read(9);
    expect(await held()).toEqual([0, 2, 3, 12]);
  });

  it('[S-15] says what it has not, and ends with the signal', async () => {
    const network = new MemoryNetwork();
    const files = await named();
    const { open } = await member(network, 'reader');
    const chunked = open(files, []);
    await expect(chunked.read('other', 0, 1, signal)).rejects.toThrow('There are no 1 bytes at 0 of other');
    await expect(chunked.read('config.json', 699, 2, signal)).rejects.toThrow(RangeError);
    await expect(chunked.read('config.json', -1, 2, signal)).rejects.toThrow(RangeError);
    const stop = new AbortController();
    const sleep = async () => stop.abort(new Error('Stopped.'));
    await expect(open(files, [], { sleep }).read('config.json', 0, 1, stop.signal)).rejects.toThrow(
      'Stopped.',
    );
    const again = new AbortController();
    const stops = async () => again.abort(new Error('Stopped again.'));
    await expect(
      open(files, [], { sleep: stops }).read('model.safetensors', 0, 1, again.signal),
    ).rejects.toThrow('Stopped again.');
  });
});
