/** Pages of Chromium that run bundled scripts, for tests and benchmarks of what only a browser has. */
import { createServer } from 'node:http';
import { type Browser, chromium } from '@playwright/test';
import { requireChromium } from '../../protocol/testing/chromium.ts';

export interface ScriptPages {
  readonly browser: Browser;
  /** The address of a page that runs /page.js. It ends with a slash. */
  readonly origin: string;
  stop(): Promise<void>;
}

export interface ScriptPagesOptions {
  /** Texts of scripts by their paths, of which the page runs `/page.js`. */
  readonly scripts: Readonly<Record<`/${string}`, string>>;
  /** The program of Chromium. Defaults to the machine's. */
  readonly path?: string | undefined;
  /** Whether `performance.memory` is exact, and of now. Defaults to false. */
  readonly exactMemory?: boolean;
}

/** Starts Chromium and a server on this machine. Pages connect to one another without a network. */
export async function startScriptPages(options: ScriptPagesOptions): Promise<ScriptPages> {
  const { scripts, path, exactMemory = false } = options;
  const byPath = new Map<string | undefined, string>(Object.entries(scripts));
  const server = createServer((request, response) => {
    const script = byPath.get(request.url);
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script ?? '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The test server has no port.');
  const browser = await chromium.launch({
    executablePath: path ?? requireChromium(),
    args: [
      '--no-sandbox',
      '--disable-quic',
      // Without multicast DNS, as in most containers, hidden local addresses cannot be resolved.
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      '--allow-loopback-in-peer-connection',
      '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding',
      ...(exactMemory ? ['--enable-precise-memory-info'] : []),
    ],
  });
  return {
    browser,
    origin: `http://127.0.0.1:${address.port}/`,
    async stop() {
      await browser.close();
      server.close();
    },
  };
}
