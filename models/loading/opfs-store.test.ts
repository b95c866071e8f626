import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { FrozenSession } from '../decoder/frozen-session.ts';
import { blobSource } from './blob-source.ts';
import { downloadModel } from './download.ts';
import { openMemoryStore } from './memory-store.ts';
import { openModel } from './open-model.ts';
import { type ModelServer, startModelServer } from './testing/model-server.ts';
import { TINY, tinyFiles } from './testing/tiny-model.ts';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = existsSync(executablePath) ? false : `no Chromium at ${executablePath} (set CHROMIUM)`;

const PAGE = `<!doctype html><script type="module">
  const worker = new Worker('/worker.js', { type: 'module' });
  let last = 0;
  window.ask = (command, baseUrl) => new Promise((resolve) => {
    const id = ++last;
    worker.addEventListener('message', ({ data }) => {
      if (data.id === id) resolve(data.error ?? data.value);
    });
    worker.postMessage({ id, command, baseUrl });
  });
</script>`;

interface AskingWindow {
  readonly ask: (command: string, baseUrl: string) => Promise<unknown>;
}

async function bundle(entry: URL): Promise<Uint8Array> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, lib: { entry: fileURLToPath(entry), formats: ['es'], fileName: 'worker' } },
  });
  for (const output of Array.isArray(result) ? result : [result]) {
    if (!('output' in output)) continue;
    for (const chunk of output.output) {
      if (chunk.type === 'chunk' && chunk.isEntry) return new TextEncoder().encode(chunk.code);
    }
  }
  throw new Error('Vite made no entry chunk.');
}

// Large enough that a cut download leaves something to go on from.
const config = { ...TINY, feedForward: 4096 };
const files = tinyFiles({ config, dtype: 'F32' });
const SHARD = 'model.safetensors';

describe.skipIf(absent)(
  `a model in the private file system of Chromium${absent ? ` (skipped: ${absent})` : ''}`,
  { timeout: 90_000 },
  () => {
    let server: ModelServer;
    let browser: Browser;
    let context: BrowserContext;

    beforeAll(async () => {
      server = await startModelServer(files);
      const text = new TextEncoder().encode(PAGE);
      server.files.set('page.html', { bytes: text, type: 'text/html' });
      const worker = await bundle(new URL('./testing/opfs-worker.ts', import.meta.url));
      server.files.set('worker.js', { bytes: worker, type: 'text/javascript' });
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
      context = await browser.newContext();
    }, 90_000);
    afterAll(async () => {
      await browser?.close();
      await server?.[Symbol.asyncDispose]();
    });

    const open = async (): Promise<Page> => {
      const page = await context.newPage();
      await page.goto(new URL('/page.html', server.url).href);
      // Its script is here before the server takes on bad habits.
      expect(await ask(page, 'ready')).toBe(true);
      return page;
    };
    const ask = (page: Page, command: string) =>
      page.evaluate(([what, url]) => (window as unknown as AskingWindow).ask(what, url), [
        command,
        server.url,
      ] as const);

    it('goes on after a broken connection and a closed tab, and speaks as in Node', async () => {
      const first = await open();
      server.habits.breaks = { after: 100_000, times: 1 };
      expect(await ask(first, 'download')).toMatchObject({ message: expect.stringContaining('try again') });
      await first.close();

      const page = await open();
      const root = await ask(page, 'download');
      // One request that was cut and one that brought the rest. How much of a broken body Chromium hands on is its own affair.
      const requests = server.requests.filter((line) => line.startsWith(`${SHARD} `));
      expect(requests).toHaveLength(2);
      expect(requests[0]).toBe(`${SHARD} all`);
      const { root: expected } = await downloadModel({ baseUrl: server.url, store: openMemoryStore() });
      expect(root).toBe(expected);

      const picked = Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name));
      const model = await openModel(blobSource(picked));
      const local = await FrozenSession.create({ engine: createReferenceEngine(), ...model });
      const prompts = [model.tokenizer.encode('12+7=')];
      const options = { prompts, maxNewTokens: 4, endToken: [], greedy: true, uniform: () => 0 };
      expect(await ask(page, 'speak')).toEqual((await local.generate(options))[0]);
    });
  },
);
