/** Two pages of Chromium with a channel between them, whose descriptions pass through this process. */
import type { Browser, Page } from '@playwright/test';
import { bundleForBrowser } from './bundle.ts';
import { startScriptPages } from './script-pages.ts';
import type { StripingTest } from './striping-page.ts';

declare global {
  interface Window {
    readonly stripingTest: StripingTest;
    /** Gives descriptions to this process. */
    readonly carry: (text: string) => Promise<void>;
  }
}

/** Descriptions as one page sends them, as the other shall get them. */
export type Carry = (descriptions: readonly string[], from: 'offer' | 'accept') => Promise<readonly string[]>;

export interface TwoPages {
  readonly offering: Page;
  readonly accepting: Page;
  /** Opens a channel between them. `connections` 0 means one plain data channel. */
  connect(connections: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Chromium and both pages. `carry` may change descriptions on their way. Defaults to not changing
 * them.
 */
export async function startTwoPages(
  options: { readonly carry?: Carry; readonly path?: string } = {},
): Promise<TwoPages> {
  const { carry = async (descriptions) => descriptions } = options;
  const pages = await startScriptPages({
    scripts: { '/page.js': await bundleForBrowser(new URL('./striping-page.ts', import.meta.url)) },
    path: options.path,
  });
  const { browser, origin } = pages;
  const offering = await openPage(browser, origin);
  const accepting = await openPage(browser, origin);
  const pass = (from: 'offer' | 'accept', to: Page) => async (text: string) => {
    const given: unknown = JSON.parse(text);
    if (!Array.isArray(given)) throw new TypeError('A page gave no descriptions.');
    const carried = await carry(given.map(String), from);
    await to.evaluate((json) => window.stripingTest.carried(json), JSON.stringify(carried));
  };
  await offering.exposeFunction('carry', pass('offer', accepting));
  await accepting.exposeFunction('carry', pass('accept', offering));
  return {
    offering,
    accepting,
    async connect(connections) {
      await Promise.all([
        offering.evaluate((count) => window.stripingTest.open('offer', count), connections),
        accepting.evaluate((count) => window.stripingTest.open('accept', count), connections),
      ]);
    },
    stop: () => pages.stop(),
  };
}

async function openPage(browser: Browser, origin: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(origin);
  await page.waitForFunction(() => 'stripingTest' in window);
  return page;
}
