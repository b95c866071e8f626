/** Tabs of Chromium for benchmarks, each with a storage of its own, and a relay through which they meet. */
import { randomBytes } from 'node:crypto';
import type { Page } from '@playwright/test';
import { startRelay } from '../../swarm/relay/relay.ts';
import { bundleForBrowser } from '../../swarm/testing/bundle.ts';
import { startScriptPages } from '../../swarm/testing/script-pages.ts';
import type { BenchTab } from './page.ts';

declare global {
  interface Window {
    readonly benchTab: BenchTab;
  }
}

export interface BenchTabs {
  /** Opens a tab that has loaded its script and done nothing else. */
  open(): Promise<Page>;
  /** Starts the tab's node. Resolves with its peer id. */
  start(tab: Page): Promise<string>;
  stop(): Promise<void>;
}

const NETWORK = 'bench-tabs:1';

export async function startBenchTabs(): Promise<BenchTabs> {
  const relay = await startRelay({ privateKey: randomBytes(32), networks: [NETWORK], ports: { tcp: null } });
  const pages = await startScriptPages({
    scripts: {
      '/page.js': await bundleForBrowser(new URL('./page.ts', import.meta.url)),
      '/worker.js': await bundleForBrowser(new URL('../../workers/model.worker.ts', import.meta.url)),
    },
  });
  return {
    async open() {
      const page = await (await pages.browser.newContext()).newPage();
      page.on('pageerror', (error) => console.error(error));
      await page.goto(pages.origin);
      await page.waitForFunction(() => 'benchTab' in window);
      return page;
    },
    start: (tab) =>
      tab.evaluate(([to, network]) => window.benchTab.start(to, network), [
        relay.addresses,
        NETWORK,
      ] as const),
    async stop() {
      await pages.stop();
      await relay.stop();
    },
  };
}

/**
 * Opens a bare data channel between two tabs. The second one sends `bytes` bytes whenever the first one asks.
 */
export async function connectBare(first: Page, second: Page, bytes: number): Promise<void> {
  const offer = await first.evaluate(() => window.benchTab.bare.offer());
  const answer = await second.evaluate(([sdp, count]) => window.benchTab.bare.accept(sdp, count), [
    offer,
    bytes,
  ] as const);
  await first.evaluate((sdp) => window.benchTab.bare.answered(sdp), answer);
}
