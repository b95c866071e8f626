import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = existsSync(executablePath) ? false : `no Chromium at ${executablePath} (set CHROMIUM)`;

const PAGE = `<!doctype html><script type="module">
  const worker = new Worker('/worker.js', { type: 'module' });
  let last = 0;
  window.saved = 0;
  window.ask = (command, bytes) => new Promise((resolve) => {
    const id = ++last;
    worker.addEventListener('message', ({ data }) => {
      if (data.saved !== undefined) window.saved = data.saved;
      if (data.id === id) resolve(data.error ?? data.value);
    });
    worker.postMessage({ id, command, bytes });
  });
</script>`;

declare global {
  interface Window {
    readonly ask: (command: string, bytes?: number) => Promise<unknown>;
    readonly saved: number;
  }
}

async function bundle(entry: URL): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      lib: { entry: fileURLToPath(entry), formats: ['es'], fileName: 'worker' },
    },
  });
  for (const output of Array.isArray(result) ? result : [result]) {
    if (!('output' in output)) continue;
    for (const chunk of output.output) if (chunk.type === 'chunk' && chunk.isEntry) return chunk.code;
  }
  throw new Error('Vite made no entry chunk.');
}

describe.skipIf(absent)(
  `the private file system in Chromium${absent ? ` (skipped: ${absent})` : ''}`,
  { timeout: 60_000 },
  () => {
    let server: Server;
    let browser: Browser;
    let context: BrowserContext;
    let origin = '';

    beforeAll(async () => {
      const worker = await bundle(new URL('./testing/opfs-worker.ts', import.meta.url));
      server = createServer((request, response) => {
        const isWorker = request.url === '/worker.js';
        response.setHeader('content-type', isWorker ? 'text/javascript' : 'text/html');
        response.end(isWorker ? worker : PAGE);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('The test server has no port.');
      origin = `http://127.0.0.1:${address.port}`;
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      server?.close();
    });
    beforeEach(async () => {
      context = await browser.newContext();
    });
    afterEach(() => context.close());

    async function open(): Promise<Page> {
      const page = await context.newPage();
      await page.goto(origin);
      return page;
    }
    const ask = (page: Page, command: string, bytes?: number) =>
      page.evaluate(([what, size]) => window.ask(what, size), [command, bytes] as const);

    it('keeps what was saved over a reload, and replaces it', async () => {
      const page = await open();
      expect(await ask(page, 'load')).toBeNull();
      expect(await ask(page, 'save', 100_000)).toBe(1);
      await page.reload();
      expect(await ask(page, 'save', 70_000)).toBe(2);
      expect(await ask(page, 'load')).toEqual({ generation: 2, bytes: 70_000, whole: true });
    });

    it('has a whole value after its tab was closed in the middle of saving, time after time', async () => {
      let before = 0;
      for (let kill = 0; kill < 4; kill++) {
        const page = await open();
        void ask(page, 'save for ever', 3_000_000).catch(() => undefined);
        await page.waitForFunction((known) => window.saved > known, before);
        await page.close();
        const next = await open();
        const stored = await ask(next, 'load');
        expect(stored).toMatchObject({ bytes: 3_000_000, whole: true });
        const { generation } = stored as { readonly generation: number };
        expect(generation).toBeGreaterThan(before);
        before = generation;
        await next.close();
      }
    });

    it('says that another tab holds the file', async () => {
      const [first, second] = [await open(), await open()];
      await ask(first, 'save', 1000);
      expect(await ask(first, 'hold')).toBe('held');
      expect(await ask(second, 'load')).toMatchObject({ name: 'StorageBusyError' });
      await first.close();
      await expect.poll(() => ask(second, 'load')).toMatchObject({ generation: 1, whole: true });
    });

    it('says that there is no room, and keeps the last value', async () => {
      const page = await open();
      expect(await ask(page, 'save', 1000)).toBe(1);
      const session = await context.newCDPSession(page);
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 200_000 });
      const failure = await ask(page, 'save', 5_000_000);
      expect(failure).toMatchObject({
        name: 'StorageFullError',
        message: expect.stringContaining('Free some disk space'),
      });
      expect(await ask(page, 'load')).toMatchObject({ generation: 1, whole: true });
      await session.send('Storage.overrideQuotaForOrigin', { origin });
      expect(await ask(page, 'save', 5_000_000)).toBe(2);
    });
  },
);
