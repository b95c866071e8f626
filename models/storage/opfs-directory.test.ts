import type { Browser, BrowserContext, Page } from '@playwright/test';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  bundleWorker,
  CHROMIUM_ABSENT,
  callWorker,
  launchChromium,
  serveWorker,
  type WorkerServer,
} from '../testing/chromium-worker.ts';
import type { Directory } from './directory.ts';
import { describeDirectoryContract } from './testing/directory-contract.ts';
import type { DirectoryCall } from './testing/opfs-worker.ts';

/** The directory that a page's worker opens. */
function remoteDirectory(page: Page, folder: string): Directory {
  const call = <T>(method: keyof Directory, ...args: readonly unknown[]) =>
    callWorker(page, 'directory', { folder, method, args } satisfies DirectoryCall) as Promise<T>;
  return {
    list: () => call('list'),
    read: (name) => call('read', name),
    readPart: (name, offset, length) => call('readPart', name, offset, length),
    write: (name, parts) => call('write', name, parts),
    remove: (name) => call('remove', name),
  };
}

describe.skipIf(CHROMIUM_ABSENT)(
  `the private file system in Chromium${CHROMIUM_ABSENT ? ` (skipped: ${CHROMIUM_ABSENT})` : ''}`,
  () => {
    let server: WorkerServer;
    let browser: Browser;
    let context: BrowserContext;

    beforeAll(async () => {
      server = await serveWorker(await bundleWorker(new URL('./testing/opfs-worker.ts', import.meta.url)));
      browser = await launchChromium();
    });
    afterAll(async () => {
      await browser?.close();
      server?.stop();
    });
    beforeEach(async () => {
      context = await browser.newContext();
    });
    afterEach(() => context.close());

    describeDirectoryContract('openOpfsDirectory', async (folder) => {
      const [page = await open()] = context.pages();
      return remoteDirectory(page, folder);
    });

    async function open(): Promise<Page> {
      const page = await context.newPage();
      await page.goto(server.origin);
      return page;
    }

    it('keeps what was saved over a reload, and replaces it', async () => {
      const page = await open();
      expect(await callWorker(page, 'load')).toBeNull();
      expect(await callWorker(page, 'save', 100_000)).toBe(1);
      await page.reload();
      expect(await callWorker(page, 'save', 70_000)).toBe(2);
      expect(await callWorker(page, 'load')).toEqual({ generation: 2, bytes: 70_000, whole: true });
    });

    it('has a whole value after its tab was closed in the middle of saving, time after time', async () => {
      let before = 0;
      for (let kill = 0; kill < 4; kill++) {
        const page = await open();
        void callWorker(page, 'save for ever', 3_000_000).catch(() => undefined);
        await page.waitForFunction((known) => Number(Reflect.get(window, 'posted') ?? 0) > known, before);
        await page.close();
        const next = await open();
        const stored = await callWorker(next, 'load');
        expect(stored).toMatchObject({ bytes: 3_000_000, whole: true });
        const { generation } = stored as { readonly generation: number };
        expect(generation).toBeGreaterThan(before);
        before = generation;
        await next.close();
      }
    });

    it('says that another tab holds the file', async () => {
      const [first, second] = [await open(), await open()];
      await callWorker(first, 'save', 1000);
      expect(await callWorker(first, 'hold')).toBe('held');
      await expect(callWorker(second, 'load')).rejects.toMatchObject({ name: 'StorageBusyError' });
      await first.close();
      await expect.poll(() => callWorker(second, 'load')).toMatchObject({ generation: 1, whole: true });
    });

    it('says that there is no room, and keeps the last value', async () => {
      const page = await open();
      expect(await callWorker(page, 'save', 1000)).toBe(1);
      const session = await context.newCDPSession(page);
      await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 200_000 });
      await expect(callWorker(page, 'save', 5_000_000)).rejects.toMatchObject({
        name: 'StorageFullError',
        message: expect.stringContaining('Free some disk space'),
      });
      expect(await callWorker(page, 'load')).toMatchObject({ generation: 1, whole: true });
      await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
      expect(await callWorker(page, 'save', 5_000_000)).toBe(2);
    });
  },
);
