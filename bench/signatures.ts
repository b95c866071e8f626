/** How many signatures of messages a tab checks a second: libsecp256k1 in WebAssembly beside JavaScript. */
import { chromium } from '@playwright/test';
import { requireChromium } from '../protocol/testing/chromium.ts';
import { bundleForBrowser } from '../swarm/testing/bundle.ts';
import { type Benchmark, compared } from './benchmark.ts';
import type { SignatureRates } from './signatures-page.ts';

declare global {
  interface Window {
    readonly measureSignatures: () => Promise<SignatureRates>;
  }
}

export const signatures: Benchmark = {
  name: 'signatures',
  async *run() {
    const script = await bundleForBrowser(new URL('./signatures-page.ts', import.meta.url));
    const browser = await chromium.launch({ executablePath: requireChromium(), args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ content: script, type: 'module' });
      await page.waitForFunction(() => 'measureSignatures' in window);
      const { wasm, javascript } = await page.evaluate(() => window.measureSignatures());
      yield compared('signatures/tab', 'checks/s', wasm, {
        name: '@noble/curves 2 in JavaScript',
        value: javascript,
      });
    } finally {
      await browser.close();
    }
  },
};
