import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { type Devnet, startDevnet } from './support/devnet.ts';
import { Tab } from './support/tab.ts';

test.describe('The page', () => {
  let devnet: Devnet;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    devnet = await startDevnet({ arguments: ['--round', '15', '--volunteers', '1'] });
  });
  test.afterAll(async () => devnet?.stop());

  for (const scheme of ['light', 'dark'] as const) {
    test(`is accessible and fits 360 px, ${scheme}`, async ({ browser }) => {
      const context = await browser.newContext({
        viewport: { width: 360, height: 740 },
        colorScheme: scheme,
      });
      const tab = await Tab.open(context, devnet.network.page, { name: scheme, engine: 'wasm' });
      const scan = async () =>
        (await new AxeBuilder({ page: tab.page }).analyze()).violations.map((v) => `${v.id}: ${v.help}`);
      expect(await scan()).toEqual([]);
      await tab.contribute();
      await tab.expectFigure('ledger-computed', 1, 180_000);
      await expect(tab.page.getByTestId('feed-item').first()).toBeVisible();
      expect(await scan()).toEqual([]);
      const overflow = await tab.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, 'nothing is wider than the phone').toBeLessThanOrEqual(0);
      await context.close();
    });
  }

  test('loads again by itself when a part of it did not come, and says so when it never comes', async ({
    browser,
  }) => {
    // A service worker would have kept the part.
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await context.newPage();
    let toFail = 2;
    await context.route(/assets\/index-[^/]*\.js$/, (route) =>
      toFail-- > 0 ? route.abort('internetdisconnected') : route.continue(),
    );
    await page.goto(devnet.network.page);
    await expect(page.getByTestId('contribute')).toBeVisible({ timeout: 30_000 });
    toFail = Number.POSITIVE_INFINITY;
    await page.reload();
    await expect(page.getByText('A part of Starling did not load.')).toBeVisible({ timeout: 30_000 });
    toFail = 0;
    await page.getByRole('button', { name: 'Load again' }).click();
    await expect(page.getByTestId('contribute')).toBeVisible({ timeout: 30_000 });
    await context.close();
  });

  test('is driven by the keyboard: contribute, pause, resume, finish, and a reload keeps what was done', async ({
    browser,
  }) => {
    const context = await browser.newContext();
    const tab = await Tab.open(context, devnet.network.page, { name: 'keyboard', engine: 'wasm' });
    const { page } = tab;
    const press = async (testId: string) => {
      await page.getByTestId(testId).focus();
      await page.keyboard.press('Enter');
    };
    await press('contribute');
    await tab.expectFigure('ledger-computed', 1, 180_000);
    await tab.expectFigure('peers', 1, 180_000);

    await press('pause');
    await expect(page.getByTestId('resume')).toBeVisible();
    await expect(page.getByTestId('status')).toContainText(/paused/i);
    const paused = await tab.figure('ledger-computed');
    await press('resume');
    await tab.expectFigure('ledger-computed', paused + 1, 180_000);

    await press('finish');
    await expect(page.getByTestId('contribute')).toBeVisible({ timeout: 180_000 });
    const device = await tab.deviceAddress();
    const { root } = await tab.downloadCheckpoint();
    const done = await tab.figure('ledger-computed');
    await page.reload();
    await expect(page.getByTestId('ledger-computed')).toContainText(String(done));
    expect(await tab.deviceAddress()).toBe(device);
    expect((await tab.downloadCheckpoint()).root).toBe(root);
    await context.close();
  });

  test('says so in a second tab, which may take over', async ({ browser }) => {
    const context = await browser.newContext();
    const tab = await Tab.open(context, devnet.network.page, { name: 'first tab', engine: 'wasm' });
    await tab.contribute();
    await tab.expectFigure('ledger-computed', 1, 180_000);
    const second = await context.newPage();
    await second.goto(devnet.network.page);
    await expect(second.getByTestId('status')).toContainText(/another tab/i);
    await second.getByTestId('take-over').click();
    await expect(tab.page.getByTestId('status')).toContainText(/another tab/i);
    await context.close();
  });

  test('without WebGPU contributes on WebAssembly and says why', async ({ browser }) => {
    const context = await browser.newContext();
    await context.addInitScript(() =>
      Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }),
    );
    const tab = await Tab.open(context, devnet.network.page, { name: 'no WebGPU' });
    await tab.contribute();
    await tab.expectFigure('ledger-computed', 1, 180_000);
    await expect(tab.page.getByTestId('engine')).toHaveAttribute('data-engine', 'wasm');
    await context.close();
  });

  test('can be installed and opens without a network', async ({ browser }) => {
    const context = await browser.newContext();
    const tab = await Tab.open(context, devnet.network.page, { name: 'offline' });
    const manifest = await tab.page.evaluate(async () => {
      const link = document.querySelector<HTMLLinkElement>('link[rel="manifest"]');
      return link === null
        ? null
        : ((await (await fetch(link.href)).json()) as {
            readonly name: string;
            readonly icons: readonly unknown[];
          });
    });
    expect(manifest?.name).toBe('Starling');
    expect(manifest?.icons.length).toBeGreaterThan(1);
    await tab.page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    // The first visit installs the worker; from the next load on it serves the shell.
    await tab.page.reload();
    await expect(tab.page.getByTestId('contribute')).toBeVisible();
    await context.setOffline(true);
    await tab.page.reload();
    await expect(tab.page.getByTestId('status')).toBeVisible();
    await context.close();
  });
});
