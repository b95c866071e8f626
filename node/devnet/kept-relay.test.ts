import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startKeptRelay } from './kept-relay.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-relay-'));
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

async function addressesOfOneLife(): Promise<readonly string[]> {
  const relay = await startKeptRelay({
    key: join(home, 'relay.key'),
    ports: join(home, 'relay-ports.json'),
    networks: ['kept-relay-test:1'],
  });
  await relay.stop();
  return relay.addresses;
}

describe('a kept relay', () => {
  it('has the same addresses after a restart', async () => {
    const first = await addressesOfOneLife();
    expect(first.length).toBeGreaterThanOrEqual(2);
    expect(await addressesOfOneLife()).toEqual(first);
  });

  it('takes free ports, and keeps those, when another program has its own', async () => {
    const first = await addressesOfOneLife();
    const port = Number(/\/tcp\/(\d+)\/ws/.exec(first.join(' '))?.[1]);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const second = await addressesOfOneLife();
    await new Promise((resolve) => other.close(resolve));
    expect(second).not.toEqual(first);
    expect(second[0]?.split('/p2p/')[1]).toBe(first[0]?.split('/p2p/')[1]);
    expect(await addressesOfOneLife()).toEqual(second);
  });

  it('starts with a damaged file of ports', async () => {
    await writeFile(join(home, 'relay-ports.json'), '{"ws": "all"');
    expect((await addressesOfOneLife()).length).toBeGreaterThanOrEqual(2);
  });
});
