import { afterEach, describe, expect, it } from 'vitest';
import { type ServeHttp, type ServeHttpOptions, startServeHttp } from './http.ts';

const servers: ServeHttp[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function started(changes: Partial<ServeHttpOptions> = {}) {
  const server = await startServeHttp({
    ...{ host: '127.0.0.1', port: 0, behindProxy: false, origin: undefined, now: () => 0 },
    health: () => ({ broken: [], warnings: [] }),
    metrics: async () => 'up 1\n',
    turn: () => ({ username: '1:starling', credential: 'secret', ttl: 60 }),
    ...changes,
  });
  servers.push(server);
  return (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);
}

describe('the HTTP of serve', () => {
  it('says whether it is well, with 503 where something is broken', async () => {
    const ask = await started({ health: () => ({ broken: [], warnings: ['The budget is low.'] }) });
    const well = await ask('/healthz');
    expect([well.status, await well.json()]).toEqual([
      200,
      { status: 'ok', broken: [], warnings: ['The budget is low.'] },
    ]);
    const other = await started({ health: () => ({ broken: ['The chain is gone.'], warnings: [] }) });
    expect((await other('/healthz')).status).toBe(503);
  });

  it('gives metrics and nothing of its folder', async () => {
    const ask = await started();
    expect(await (await ask('/metrics')).text()).toBe('up 1\n');
    expect((await ask('/../package.json')).status).toBe(404);
    expect((await ask('/metrics', { method: 'POST' })).status).toBe(405);
  });

  it('gives TURN credentials to the page’s origin, 30 at once an address', async () => {
    const ask = await started({ origin: 'https://train.example' });
    const first = await ask('/turn-credentials');
    expect(first.headers.get('access-control-allow-origin')).toBe('https://train.example');
    expect(await first.json()).toEqual({ username: '1:starling', credential: 'secret', ttl: 60 });
    for (let i = 1; i < 30; i++) expect((await ask('/turn-credentials')).status).toBe(200);
    expect((await ask('/turn-credentials')).status).toBe(429);
    expect((await (await started({ turn: undefined }))('/turn-credentials')).status).toBe(404);
  });

  it('counts by what a proxy says, and by nothing that the client writes', async () => {
    const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });
    const proxied = await started({ behindProxy: true });
    for (let i = 0; i < 30; i++) await proxied('/turn-credentials', from(`198.51.100.${i}, 192.0.2.1`));
    expect((await proxied('/turn-credentials', from('192.0.2.1'))).status).toBe(429);
    expect((await proxied('/turn-credentials', from('192.0.2.2'))).status).toBe(200);
    const direct = await started();
    for (let i = 0; i < 30; i++) await direct('/turn-credentials', from(`192.0.2.${i}`));
    expect((await direct('/turn-credentials', from('192.0.2.99'))).status).toBe(429);
  });
});
