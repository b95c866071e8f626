/**
 * `npm run screenshot`: starts a local network with two volunteers, contributes for a few rounds in the
 * system's Chromium, and writes docs/pictures/page.png for the README.
 */
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import config from '../playwright.config.ts';
import { startDevnet } from './support/devnet.ts';
import { Tab } from './support/tab.ts';

const ROUNDS = 4;
const picture = fileURLToPath(new URL('../docs/pictures/page.png', import.meta.url));

const devnet = await startDevnet({ arguments: ['--round', '15', '--volunteers', '2'] });
const browser = await chromium.launch(config.use?.launchOptions ?? {});
try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 1500 },
    reducedMotion: 'reduce',
  });
  const tab = await Tab.open(context, devnet.network.page, { name: 'screenshot', engine: 'wasm' });
  await tab.contribute();
  await tab.expectFigure('ledger-onchain', ROUNDS, 300_000);
  await tab.page.screenshot({ path: picture });
  console.log(picture);
} finally {
  await browser.close();
  await devnet.stop();
}
process.exit(0);
