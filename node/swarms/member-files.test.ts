import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { fileCid, StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { CHUNK, manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { fileInMemory, fromPeers, offerFile } from '../../swarm/content/member-files.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { fileInFolder } from './member-files.ts';
import { type ObtainFileOptions, obtainFile } from './obtain-file.ts';

const questions = new TextEncoder().encode('{"question":"1 and 1?","answer":"2"}\n');

function named(bytes: Uint8Array, urls: readonly string[] = []): SourceFile {
  return { path: 'questions.jsonl', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls };
}

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-members-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** A peer of the network that serves what it offers. */
async function peer(network: MemoryNetwork, name: string) {
  const store = new StoreWithLocalFiles(new MemoryStore(1024));
  const content = await startContent({
    store,
    transport: network.transport(name),
    scheduler: systemScheduler,
  });
  return { store, content };
}

describe('files from members', () => {
  const { signal } = new AbortController();

  it('[S-09] come by their SHA-256 from whoever offers them, also when they would not fit its store', async () => {
    const network = new MemoryNetwork();
    const [has, lacks, asks] = [
      await peer(network, 'has'),
      await peer(network, 'lacks'),
      await peer(network, 'asks'),
    ];
    const large = new Uint8Array(300_000).fill(7);
    const fetch = (bytes: Uint8Array, sources: readonly string[]) =>
      fromPeers(asks.content, () => sources).small(named(bytes), signal);
    await expect(fetch(large, ['lacks', 'has'])).rejects.toThrow(ContentError);
    offerFile(has.store, named(large), fileInMemory(large));
    expect(await fetch(large, ['lacks', 'has'])).toEqual(large);
    for (const { content } of [has, lacks, asks]) await content.stop();
  });

  it('[S-09] a file on disk that was changed is not served', async () => {
    const path = join(home, 'questions.jsonl');
    await writeFile(path, questions);
    const network = new MemoryNetwork();
    const [has, asks] = [await peer(network, 'has'), await peer(network, 'asks')];
    offerFile(has.store, named(questions), fileInFolder(named(questions), path));
    await writeFile(path, 'something else');
    const fetched = fromPeers(asks.content, () => ['has']).small(named(questions), signal);
    await expect(fetched).rejects.toThrow(ContentError);
    for (const { content } of [has, asks]) await content.stop();
  });
});

describe('a large file from members', () => {
  const { signal } = new AbortController();
  const bytes = Uint8Array.from(
    { length: 5 * CHUNK + 9 },
    (_, at) => (Math.imul(at, 2654435761) >>> 24) & 255,
  );
  const file = async (more: Partial<SourceFile> = {}): Promise<SourceFile> => ({
    ...{ path: 'model.safetensors', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
    manifest: await fileCid(await manifestOf(bytes, webHash)),
    ...more,
  });

  /** Obtains the file into a folder; `chunks` counts what a member sent. */
  async function obtain(more: Partial<ObtainFileOptions> = {}, ends = Number.POSITIVE_INFINITY) {
    const network = new MemoryNetwork();
    const path = join(home, 'has.safetensors');
    await writeFile(path, bytes);
    const [has, asks] = [await peer(network, 'has'), await peer(network, 'asks')];
    const named = await file();
    let chunks = 0;
    has.store.offer(named.manifest ?? '', fileInFolder(named, path), await manifestOf(bytes, webHash));
    const give = has.store.chunk.bind(has.store);
    has.store.chunk = async (cid, index) => (++chunks > ends ? null : give(cid, index));
    const notices: string[] = [];
    const progress: number[] = [];
    const done = obtainFile({
      ...{ file: named, folder: join(home, 'model'), name: 'model.safetensors', signal },
      ...{ label: 'model.safetensors of the model', option: '--model' },
      fromMembers: fromPeers(asks.content, () => ['has']),
      sleep: () => Promise.reject(new Error('Stopped by you.')),
      onNotice: (sentence) => void notices.push(sentence),
      onProgress: (here) => void progress.push(here),
      ...more,
    }).finally(() => Promise.all([has.content.stop(), asks.content.stop()]));
    await done.catch(() => undefined);
    return { done, notices, progress, chunks: () => chunks };
  }
  const there = async () => new Uint8Array(await readFile(join(home, 'model', 'model.safetensors')));

  it('[S-09] comes in chunks by the manifest that the specification names, and is not fetched twice', async () => {
    const first = await obtain();
    await first.done;
    expect(equalBytes(await there(), bytes)).toBe(true);
    expect([first.chunks(), first.progress.at(-1)]).toEqual([6, bytes.length]);
    const again = await obtain();
    await again.done;
    expect(again.chunks()).toBe(0);
  });

  it('[S-09] goes on where a download from members ended', async () => {
    const first = await obtain({}, 4);
    await expect(first.done).rejects.toThrow('Stopped by you.');
    const second = await obtain();
    await second.done;
    expect(equalBytes(await there(), bytes)).toBe(true);
    expect(second.chunks()).toBe(2);
  });

  it('[S-09] goes on from what an address gave before it failed', async () => {
    const address = 'https://gone.test/model.safetensors';
    let asked = 0;
    const { done, notices, chunks } = await obtain({
      file: await file({ urls: [address] }),
      async fetch() {
        if (++asked > 1) return new Response('no', { status: 404 });
        // Three chunks and a bit, and then the connection ends.
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(bytes.slice(0, 3 * CHUNK + 77));
            controller.close();
          },
        });
        return new Response(body, { headers: { 'content-length': String(bytes.length), etag: '"x"' } });
      },
    });
    await done;
    expect(equalBytes(await there(), bytes)).toBe(true);
    expect(notices.join()).toContain('asks the members');
    expect(chunks()).toBe(3);
  });

  it('[S-09] is refused when the manifest is of another file or of another size', async () => {
    const other = await obtain({ file: await file({ sha256: `0x${'ab'.repeat(32)}` }) });
    await expect(other.done).rejects.toThrow(/is of another file than its SHA-256; take another swarm/);
    const longer = await obtain({ file: await file({ size: bytes.length + 1 }) });
    await expect(longer.done).rejects.toThrow(/has 1310730 bytes, and its manifest 1310729/);
    expect(longer.chunks()).toBe(0);
  });
});

describe('obtainFile', () => {
  function obtain(answers: (Uint8Array | null)[], more: Partial<ObtainFileOptions> = {}) {
    const notices: string[] = [];
    const done = obtainFile({
      file: named(questions),
      folder: join(home, 'data'),
      name: 'kept.jsonl',
      label: 'the questions “sums”',
      option: '--data',
      fromMembers: {
        async small() {
          const answer = answers.shift();
          if (answer === undefined || answer === null) throw new ContentError('Nobody has it.');
          return answer;
        },
        large: () => Promise.reject(new Error('It is a small file.')),
      },
      sleep: async () => undefined,
      onNotice: (sentence) => void notices.push(sentence),
      ...more,
    });
    return { done, notices };
  }

  it('[S-09] asks members until one gives the right bytes, says so once, and keeps them', async () => {
    const wrong = new TextEncoder().encode('other bytes');
    const { done, notices } = obtain([null, wrong, null, null, questions]);
    await done;
    expect(new Uint8Array(await readFile(join(home, 'data', 'kept.jsonl')))).toEqual(questions);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/No member who is here now has the questions “sums”.*--data/);
    // The second time nobody is asked.
    const again = obtain([]);
    await again.done;
    expect(again.notices).toEqual([]);
  });

  it('[S-09] asks members when no address works', async () => {
    const { done, notices } = obtain([questions], {
      file: named(questions, ['https://gone.test/questions.jsonl']),
      fetch: async () => new Response('no', { status: 404 }),
    });
    await done;
    expect(notices.join()).toContain('asks the members');
  });

  it('[S-09] says that members pass on no file above 1 MiB without a manifest, and ends when it is stopped', async () => {
    const large = { ...named(questions), size: 1024 * 1024 + 1 };
    await expect(obtain([questions], { file: large }).done).rejects.toThrow(/nor a manifest.*--data/);
    const stop = new AbortController();
    const stopped = obtain([], {
      signal: stop.signal,
      sleep: async () => stop.abort(new Error('Stopped by you.')),
    });
    await expect(stopped.done).rejects.toThrow('Stopped by you.');
  });
});
