import { randomBytes } from 'node:crypto';
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hex } from '../protocol/hex.ts';
import { CHROMIUM, NO_CHROMIUM } from '../protocol/testing/chromium.ts';
import { type Relay, startRelay } from './relay/relay.ts';
import { bundleForBrowser } from './testing/bundle.ts';
import { type ScriptPages, startScriptPages } from './testing/script-pages.ts';
import type { SwarmTest } from './testing/smoke-page.ts';

declare global {
  interface Window {
    readonly swarmTest: SwarmTest;
  }
}

const absent = CHROMIUM === undefined ? NO_CHROMIUM : false;
const networkId = 'browser-test:1';
const digest = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;

describe.skipIf(absent)(`tabs${absent ? ` (skipped: ${absent})` : ''}`, () => {
  let pages: ScriptPages;
  let relay: Relay;

  beforeAll(async () => {
    relay = await startRelay({ privateKey: randomBytes(32), networks: [networkId], ports: { tcp: null } });
    const script = await bundleForBrowser(new URL('./testing/smoke-page.ts', import.meta.url));
    pages = await startScriptPages({ scripts: { '/page.js': script } });
  });

  afterAll(async () => {
    await pages?.stop();
    await relay?.stop();
  });

  async function openTab(): Promise<{ readonly page: Page; readonly peerId: string }> {
    const context = await pages.browser.newContext();
    const page = await context.newPage();
    await page.goto(pages.origin);
    await page.waitForFunction(() => 'swarmTest' in window);
    const peerId = await page.evaluate(([relays, name]) => window.swarmTest.start(relays, name), [
      relay.addresses,
      networkId,
    ] as const);
    return { page, peerId };
  }

  it('meet through a relay, connect directly, and go on and rewire when the relay is gone', async () => {
    const tabs = await Promise.all([openTab(), openTab(), openTab()]);
    const [a, b, c] = tabs;
    const direct = (page: Page, peerId: string) =>
      page.waitForFunction((id) => window.swarmTest.isDirect(id), peerId, { timeout: 90_000 });
    await Promise.all(
      tabs.flatMap(({ page }) =>
        tabs.filter((tab) => tab.page !== page).map(({ peerId }) => direct(page, peerId)),
      ),
    );

    const receives = (page: Page, digestText: Hex) =>
      page.waitForFunction((text) => window.swarmTest.received().includes(text), digestText, {
        timeout: 60_000,
      });
    await a.page.evaluate((digestText) => window.swarmTest.commit(1, digestText), digest(1));
    await receives(b.page, digest(1));

    await relay.stop();
    await Promise.all(
      tabs.map(({ page }) =>
        page.waitForFunction(() =>
          window.swarmTest.view().relays.every(({ state }) => state !== 'connected'),
        ),
      ),
    );
    await b.page.evaluate((digestText) => window.swarmTest.commit(1, digestText), digest(2));
    await receives(a.page, digest(2));

    // With no relay left, the third tab carries the handshake of the other two.
    await a.page.waitForFunction(
      (id) => window.swarmTest.addresses().some((address) => address.startsWith(`/p2p/${id}/p2p-circuit`)),
      c.peerId,
    );
    await a.page.evaluate((id) => window.swarmTest.drop(id), b.peerId);
    await Promise.all([direct(a.page, b.peerId), direct(b.page, a.peerId)]);

    const view = await a.page.evaluate(() => window.swarmTest.view());
    expect(view.peers.map(({ path }) => path)).toEqual(['direct', 'direct']);
  });
});
