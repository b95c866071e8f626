import { expect, test } from '@playwright/test';
import { type BuiltPage, serveBuiltPage } from './support/built-page.ts';
import { expectNoErrors, pageErrorsOf } from './support/page-errors.ts';
import { type StaticHost, serveFolder } from './support/static-host.ts';

/**
 * A network file of a chain that is out of reach. It lies beside the page, as it does on a static host. The
 * page may ask the chain's address in it, and nobody else.
 */
const NETWORK = {
  ...{ name: 'Somewhere', page: 'https://train.example/starling/', rpc: 'https://rpc.example', chainId: 10 },
  contracts: {
    identity: `0x${'1'.repeat(40)}`,
    swarms: `0x${'2'.repeat(40)}`,
    participation: `0x${'3'.repeat(40)}`,
  },
  relays: [],
};

test.describe('The built site below a sub-path of a static host that sends no headers', () => {
  let built: BuiltPage;
  let host: StaticHost;
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    built = await serveBuiltPage();
    host = await serveFolder(built.folder, { below: '/starling/', extra: { 'network.json': NETWORK } });
  });
  test.afterAll(async () => {
    await host?.stop();
    await built?.stop();
  });

  test('loads, isolates itself with its service worker, and asks only its host and chain', async ({
    page,
    context,
  }) => {
    const elsewhere: string[] = [];
    context.on('request', (request) => {
      const { origin } = new URL(request.url());
      if (!request.url().startsWith(host.url) && origin !== NETWORK.rpc) elsewhere.push(request.url());
    });
    const failures = pageErrorsOf(page);
    await page.goto(host.url);
    await expect(page.getByTestId('contribute')).toBeVisible();
    // The first visit has no service worker yet; it loads the page once more when it is there.
    await expect.poll(() => page.evaluate(() => crossOriginIsolated).catch(() => false)).toBe(true);
    await expect(page.getByTestId('contribute')).toBeVisible();
    const worker = await page.evaluate(async () => {
      const { scope, active } = await navigator.serviceWorker.ready;
      return { scope, script: active?.scriptURL };
    });
    expect(worker).toEqual({ scope: host.url, script: `${host.url}sw.js` });
    const manifest = await page.evaluate(
      () => document.querySelector<HTMLLinkElement>('link[rel="manifest"]')?.href,
    );
    expect(manifest).toBe(`${host.url}manifest.webmanifest`);

    await page.getByTestId('screen-models').click();
    await expect(page.getByTestId('model-url')).toBeVisible();
    expect(page.url()).toBe(`${host.url}#/models`);
    expectNoErrors(failures);
    expect(host.missing()).toEqual([]);
    expect(elsewhere).toEqual([]);
  });

  test('opens a link to a swarm, and opens without the host once it was there', async ({ page, context }) => {
    await page.goto(`${host.url}#/swarm/11/3`);
    // The network is another chain's, which the page says of a link.
    await expect(page.getByText(/chain 11/i).first()).toBeVisible();
    await expect.poll(() => page.evaluate(() => crossOriginIsolated).catch(() => false)).toBe(true);
    expect(page.url()).toBe(`${host.url}#/swarm/11/3`);
    await context.setOffline(true);
    await page.reload();
    await expect(page.getByText('Starling').first()).toBeVisible();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  });
});
