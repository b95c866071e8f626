import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseEther } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, anvilControls, NO_ANVIL, startAnvil } from '../../chain/devnet/anvil.ts';
import { connect } from '../../chain/network.ts';
import { type RpcGuard, startRpcGuard } from './rpc-guard.ts';

const PAGE = 'http://localhost:5173';
const VICTIM = '0x00000000000000000000000000000000000000aa';

describe.skipIf(NO_ANVIL !== undefined)(
  `the local chain’s guard${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let anvil: Anvil;
    let guard: RpcGuard;
    beforeAll(async () => {
      anvil = await startAnvil();
      guard = await startRpcGuard({ upstream: anvil.rpc, port: 0, origins: [PAGE] });
    });
    afterAll(async () => {
      await guard?.stop();
      await anvil?.stop();
    });

    /** One request with any headers, which fetch would not let a program set. */
    function ask(options: {
      readonly url?: string;
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }): Promise<{
      readonly status: number;
      readonly allowed: string | undefined;
      readonly sniffing: string | string[] | undefined;
      readonly text: string;
    }> {
      const { url = guard.url, method = 'POST', headers = {}, body } = options;
      return new Promise((resolve, reject) => {
        const asked = request(
          url,
          { method, headers: { 'content-type': 'application/json', ...headers } },
          (response) => {
            let text = '';
            response.on('data', (data: Buffer) => {
              text += data.toString();
            });
            response.on('end', () =>
              resolve({
                status: response.statusCode ?? 0,
                allowed: response.headers['access-control-allow-origin'],
                sniffing: response.headers['x-content-type-options'],
                text,
              }),
            );
          },
        );
        asked.on('error', reject);
        asked.end(body === undefined ? undefined : JSON.stringify(body));
      });
    }
    const call = (method: string, params: readonly unknown[] = []) => ({
      jsonrpc: '2.0',
      id: 7,
      method,
      params,
    });

    it('answers the network’s page and programs, also under the name localhost', async () => {
      const asked = { body: call('eth_chainId'), headers: { origin: PAGE } };
      expect(await ask(asked)).toMatchObject({ status: 200, allowed: PAGE, sniffing: 'nosniff' });
      expect((await ask({ body: call('eth_chainId') })).text).toContain('0x7a69');
      const preflight = {
        method: 'OPTIONS',
        headers: { origin: PAGE, 'access-control-request-method': 'POST' },
      };
      expect(await ask(preflight)).toMatchObject({ status: 204, allowed: PAGE });
      const named = await ask({ ...asked, url: guard.url.replace('127.0.0.1', 'localhost') });
      expect(named.status).toBe(200);
      const client = connect({ rpc: guard.url, chainId: anvil.chainId });
      expect(await client.getBlockNumber()).toBe(0n);
    });

    it.each(['https://evil.example', 'http://localhost:5174', 'null'])(
      'tells a page of origin %s nothing',
      async (origin) => {
        const answered = await ask({ body: call('eth_accounts'), headers: { origin } });
        expect(answered).toMatchObject({ status: 403, allowed: undefined });
        expect(answered.text).not.toContain('0x');
        const preflight = await ask({ method: 'OPTIONS', headers: { origin } });
        expect(preflight).toMatchObject({ status: 403, allowed: undefined });
      },
    );

    it('refuses another Host, as after DNS rebinding', async () => {
      const { port } = new URL(guard.url);
      for (const host of [`evil.example:${port}`, 'localhost', `127.0.0.1.evil.example:${port}`])
        expect(await ask({ body: call('eth_chainId'), headers: { host } })).toMatchObject({ status: 403 });
    });

    it('takes no type that a page may send without asking first', async () => {
      const headers = { 'content-type': 'text/plain' };
      expect(await ask({ body: call('eth_blockNumber'), headers })).toMatchObject({ status: 415 });
      expect(await ask({ method: 'GET' })).toMatchObject({ status: 405 });
    });

    it.each([
      'anvil_setBalance',
      'anvil_setCode',
      'anvil_impersonateAccount',
      'anvil_reset',
      'anvil_dumpState',
      'evm_increaseTime',
      'evm_mine',
      'hardhat_setBalance',
      'debug_traceTransaction',
      'txpool_content',
    ])('does not pass on %s, alone or in a batch, even from the page', async (method) => {
      const headers = { origin: PAGE };
      for (const body of [
        call(method, [VICTIM, '0x1']),
        [call('eth_chainId'), call(method, [VICTIM, '0x1'])],
      ])
        expect(JSON.parse((await ask({ body, headers })).text)).toMatchObject({ error: { code: -32_601 } });
      expect(await connect(anvil).getBalance({ address: VICTIM })).toBe(0n);
    });

    it('answers a request whose method is no text, and does not blame the node', async () => {
      for (const method of [null, 5, { toString: 1 }, ['eth_chainId']]) {
        const answer = await ask({ body: { jsonrpc: '2.0', id: 1, method } });
        expect(answer.status).toBe(200);
        expect(JSON.parse(answer.text)).toMatchObject({ id: 1, error: { code: -32_600 } });
      }
    });

    it('serves the development wallet: accounts, signatures and payments of the node', async () => {
      const headers = { origin: PAGE };
      const [from] = JSON.parse((await ask({ body: call('eth_accounts'), headers })).text).result;
      const sent = await ask({
        body: call('eth_sendTransaction', [{ from, to: `0x${'bb'.repeat(20)}`, value: '0x1' }]),
        headers,
      });
      expect(JSON.parse(sent.text).result).toMatch(/^0x[0-9a-f]{64}$/);
      const typed = {
        types: { EIP712Domain: [], Word: [{ name: 'text', type: 'string' }] },
        primaryType: 'Word',
        domain: {},
        message: { text: 'yes' },
      };
      const signed = await ask({ body: call('eth_signTypedData_v4', [from, typed]), headers });
      expect(JSON.parse(signed.text).result).toMatch(/^0x[0-9a-f]{130}$/);
    });

    it('leaves the node’s commands to who knows its own address, which no page may read', async () => {
      await anvilControls(anvil).setBalance({ address: VICTIM, value: parseEther('1') });
      expect(await connect(anvil).getBalance({ address: VICTIM })).toBe(parseEther('1'));
      const preflight = await ask({
        url: anvil.rpc,
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      });
      expect(preflight.allowed).toBeUndefined();
      await anvilControls(anvil).setBalance({ address: VICTIM, value: 0n });
    });

    it('says that the node is away', async () => {
      const alone = await startRpcGuard({ upstream: 'http://127.0.0.1:1', port: 0, origins: [] });
      expect(await ask({ url: alone.url, body: call('eth_chainId') })).toMatchObject({ status: 502 });
      await alone.stop();
    });
  },
);

describe('what the guard passes on', () => {
  it('has no key but those of a call, so that no reader finds another method in it', async () => {
    const passed: string[] = [];
    const upstream = createServer((asked, response) => {
      asked.on('data', (data: Buffer) => passed.push(data.toString()));
      asked.on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const guard = await startRpcGuard({ upstream: `http://127.0.0.1:${port}`, port: 0, origins: [PAGE] });
    const call = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [{ Method: 'kept' }] };
    // Readers that take keys in any case, as Go's do, would see the second method.
    for (const body of [
      { ...call, Method: 'anvil_reset' },
      [
        { ...call, METHOD: 'evm_mine' },
        { ...call, id: 2 },
      ],
    ]) {
      const headers = { 'Content-Type': 'application/json' };
      await fetch(guard.url, { method: 'POST', headers, body: JSON.stringify(body) });
    }
    expect(passed.map((body) => JSON.parse(body))).toEqual([call, [call, { ...call, id: 2 }]]);
    await guard.stop();
    await new Promise((resolve) => {
      upstream.close(resolve);
      upstream.closeAllConnections();
    });
  });
});

describe('the local chain’s guard, whatever the node answers', () => {
  it('reads no more of it than 64 MiB', async () => {
    const part = new Uint8Array(1 << 20).fill(0x20);
    let bytes = 0;
    const node = createServer((_request, response) => {
      const write = (): void => {
        while (!response.closed && response.write(part)) bytes += part.length;
      };
      response.on('drain', write);
      write();
    });
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
    const address = node.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const guard = await startRpcGuard({ upstream: `http://127.0.0.1:${port}`, port: 0, origins: [PAGE] });
    try {
      const answer = await fetch(guard.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber' }),
      });
      expect(answer.status).toBe(502);
      expect(await answer.text()).toContain('more than 67108864 bytes');
      expect(bytes).toBeLessThan(100 << 20);
    } finally {
      await guard.stop();
      node.closeAllConnections();
      await new Promise((resolve) => node.close(resolve));
    }
  });
});
