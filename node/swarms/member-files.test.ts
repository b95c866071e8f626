import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { fetchByHash, fileInFolder, fileInMemory, offerFile } from './member-files.ts';
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
      fetchByHash({ content: asks.content, file: named(bytes), sources, signal });
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
    const fetched = fetchByHash({ content: asks.content, file: named(questions), sources: ['has'], signal });
    await expect(fetched).rejects.toThrow(ContentError);
    for (const { content } of [has, asks]) await content.stop();
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
      fromMembers: async () => {
        const answer = answers.shift();
        if (answer === undefined || answer === null) throw new ContentError('Nobody has it.');
        return answer;
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

  it('[S-09] says that members pass on no file above 1 MiB, and ends when it is stopped', async () => {
    const large = { ...named(questions), size: 1024 * 1024 + 1 };
    await expect(obtain([questions], { file: large }).done).rejects.toThrow(/at most 1048576 bytes.*--data/);
    const stop = new AbortController();
    const stopped = obtain([], {
      signal: stop.signal,
      sleep: async () => stop.abort(new Error('Stopped by you.')),
    });
    await expect(stopped.done).rejects.toThrow('Stopped by you.');
  });
});
