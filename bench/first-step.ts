/**
 * From the click on "Contribute GPU" to a ready engine, and to the first trained round, in the system's
 * Chromium on a local network started for it. The second includes the wait for a round to begin, which the
 * chain's clock decides, not the machine.
 */
import { chromium } from '@playwright/test';
import { startDevnet } from '../e2e/support/devnet.ts';
import { CHROMIUM, NO_CHROMIUM } from '../protocol/testing/chromium.ts';
import { type Benchmark, compared } from './benchmark.ts';
import { median } from './median.ts';

const ROUND_SECONDS = 10;
const CLICKS = 3;

export const firstStep: Benchmark = {
  name: 'first-step',
  async *run({ signal, note }) {
    if (CHROMIUM === undefined) {
      note(`left out: ${NO_CHROMIUM}`);
      return;
    }
    const devnet = await startDevnet({ arguments: ['--round', String(ROUND_SECONDS)] });
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless=new', '--no-sandbox', '--disable-quic', '--disable-background-networking'],
    });
    try {
      const ready: number[] = [];
      const trained: number[] = [];
      for (let i = 0; i < CLICKS; i++) {
        signal.throwIfAborted();
        // A context of its own is a new visitor: nothing cached, no key, no checkpoint.
        const context = await browser.newContext({ reducedMotion: 'reduce' });
        const page = await context.newPage();
        await page.goto(devnet.network.page);
        const button = page.getByTestId('contribute');
        await button.waitFor();
        const start = performance.now();
        await button.click();
        await page
          .locator('[data-testid="engine"][data-engine]:not([data-engine=""])')
          .waitFor({ timeout: 120_000 });
        ready.push(performance.now() - start);
        await page
          .locator('[data-testid^="round-"]')
          .first()
          .waitFor({ timeout: 120_000, state: 'attached' });
        trained.push(performance.now() - start);
        await context.close();
      }
      yield compared('first-step/click-to-engine', 's', median(ready) / 1000);
      yield compared(
        `first-step/click-to-trained-round/rounds-of-${ROUND_SECONDS}s`,
        's',
        median(trained) / 1000,
      );
    } finally {
      await browser.close();
      await devnet.stop();
    }
  },
};
