import { describe, expect, it } from 'vitest';
import { developmentWallet } from './development-wallet.ts';

/** A node that answers from a table and writes down what it was asked. */
function node(answers: Readonly<Record<string, unknown>>) {
  const asked: { readonly method: string; readonly params: unknown }[] = [];
  const fetcher: typeof fetch = async (_url, init) => {
    const { id, method, params } = JSON.parse(String(init?.body)) as {
      readonly id: number;
      readonly method: string;
      readonly params: unknown;
    };
    asked.push({ method, params });
    const body =
      method in answers
        ? { jsonrpc: '2.0', id, result: answers[method] }
        : { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } };
    return new Response(JSON.stringify(body));
  };
  return { asked, fetcher };
}

const options = { rpc: 'http://127.0.0.1:8545', chainId: 31337, fromLast: 1 };

describe('development wallet', () => {
  it('gives no account before it is asked to connect, then the one it stands for', async () => {
    const wallet = developmentWallet({ ...options, ...node({ eth_accounts: ['0xa', '0xb', '0xc'] }) });
    expect(await wallet.request({ method: 'eth_accounts' })).toEqual([]);
    expect(await wallet.request({ method: 'eth_requestAccounts' })).toEqual(['0xb']);
    expect(await wallet.request({ method: 'eth_accounts' })).toEqual(['0xb']);
  });

  it('is on the network’s chain without asking the node', async () => {
    const { asked, fetcher } = node({});
    const wallet = developmentWallet({ ...options, fetcher });
    expect(await wallet.request({ method: 'eth_chainId' })).toBe('0x7a69');
    expect(asked).toEqual([]);
  });

  it('hands signatures to the node and passes its refusals on with their code', async () => {
    const { asked, fetcher } = node({ eth_signTypedData_v4: '0x5163' });
    const wallet = developmentWallet({ ...options, fetcher });
    expect(await wallet.request({ method: 'eth_signTypedData_v4', params: ['0xb', '{}'] })).toBe('0x5163');
    expect(asked).toEqual([{ method: 'eth_signTypedData_v4', params: ['0xb', '{}'] }]);
    await expect(wallet.request({ method: 'eth_sendTransaction', params: [{}] })).rejects.toMatchObject({
      code: -32601,
      message: 'Method not found',
    });
  });

  it('says how to get a node with accounts', async () => {
    const wallet = developmentWallet({ ...options, ...node({ eth_accounts: [] }) });
    await expect(wallet.request({ method: 'eth_requestAccounts' })).rejects.toThrow('npm start');
  });
});
