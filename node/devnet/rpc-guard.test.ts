import { request } from 'node:http';
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
