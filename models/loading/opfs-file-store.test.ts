import type { Browser, BrowserContext, Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { FrozenSession } from '../decoder/frozen-session.ts';
import {
  bundleWorker,
  CHROMIUM_ABSENT,
  callWorker,
  launchChromium,
  WORKER_PAGE,
} from '../testing/chromium-worker.ts';
import { blobSource } from './blob-source.ts';
import { downloadModel } from './download.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { openModel } from './open-model.ts';
import { describeFileStoreContract } from './testing/file-store-contract.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';
import type { StoreCall } from './testing/opfs-worker.ts';
import { TINY, tinyFiles } from './testing/tiny-model.ts';

/** The store that a page's worker opens. */
function remoteFileStore(page: Page, folder: string): FileStore {
  const send = <T>(call: StoreCall) => callWorker(page, 'call', call) as Promise<T>;
  const fileOf = (file: number): StoredFile => {
    const call = <T>(method: keyof StoredFile, ...args: readonly unknown[]) =>
      send<T>({ kind: 'file', file, method, args });
    return {
      size: () => call('size'),
      read: (offset, length) => call('read', offset, length),
      write: (offset, bytes) => call('write', offset, bytes),
      truncate: (size) => call('truncate', size),
      flush: () => call('flush'),
      close: () => call('close'),
    };
  };
  return {
    description: 'the storage of a page',
    list: () => send({ kind: 'store', folder, method: 'list', args: [] }),
    async open(name, options) {
      const file = await send<number | undefined>({
        kind: 'store',
        folder,
        method: 'open',
        args: [name, options],
      });
      return file === undefined ? undefined : fileOf(file);
    },
    remove: (name) => send({ kind: 'store', folder, method: 'remove', args: [name] }),
  };
}

// Large enough that a cut download leaves something to go on from.
const config = { ...TINY, feedForward: 4096 };
const files = tinyFiles({ config, dtype: 'F32' });
const SHARD = 'model.safetensors';

describe.skipIf(CHROMIUM_ABSENT)(
  `a model in the private file system of Chromium${CHROMIUM_ABSENT ? ` (skipped: ${CHROMIUM_ABSENT})` : ''}`,
  () => {
    let server: ModelServer;
    let browser: Browser;
    let context: BrowserContext;

    beforeAll(async () => {
      server = await startModelServer(files);
      const text = new TextEncoder().encode(WORKER_PAGE);
      server.files.set('page.html', { bytes: text, type: 'text/html' });
      const worker = await bundleWorker(new URL('./testing/opfs-worker.ts', import.meta.url));
      server.files.set('worker.js', { bytes: new TextEncoder().encode(worker), type: 'text/javascript' });
      browser = await launchChromium();
      context = await browser.newContext();
    });
    afterAll(async () => {
      await browser?.close();
      await server?.[Symbol.asyncDispose]();
    });

    const open = async (): Promise<Page> => {
      const page = await context.newPage();
      await page.goto(new URL('/page.html', server.url).href);
      // Its script is here before the server takes on bad habits.
      expect(await callWorker(page, 'ready')).toBe(true);
      return page;
    };

    describeFileStoreContract('openOpfsFileStore', async (folder) => {
      const [page = await open()] = context.pages();
      return remoteFileStore(page, folder);
    });

    it('goes on after a broken connection and a closed tab, and generates as in Node', async () => {
      const first = await open();
      server.habits.breaks = { after: 100_000, times: 1 };
      await expect(callWorker(first, 'download', server.url)).rejects.toThrow('try again');
      await first.close();

      const page = await open();
      const root = await callWorker(page, 'download', server.url);
      // One request that was cut and one that brought the rest. Chromium decides how much of a broken body it
      // hands on.
      const requests = server.requests.filter((line) => line.startsWith(`${SHARD} `));
      expect(requests).toHaveLength(2);
      expect(requests[0]).toBe(`${SHARD} all`);
      const { root: expected } = await downloadModel({ baseUrl: server.url, store: openMemoryFileStore() });
      expect(root).toBe(expected);

      const picked = Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name));
      const model = await openModel(blobSource(picked));
      const local = await FrozenSession.create({ engine: createReferenceEngine(), ...model });
      const prompts = [model.tokenizer.encode('12+7=')];
      const options = { prompts, maxNewTokens: 4, endToken: [], greedy: true, uniform: () => 0 };
      expect(await callWorker(page, 'generate', server.url)).toEqual((await local.generate(options))[0]);
    });
  },
);
