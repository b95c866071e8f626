import type { EIP1193Provider } from 'viem';
import { boundedFetch } from '../../chain/network.ts';

/** A JSON-RPC error as EIP-1193 has it. */
class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: unknown;

  constructor(message: string, code: number, data: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface DevelopmentWalletOptions {
  readonly rpc: string;
  readonly chainId: number;
  readonly fetcher: typeof fetch;
  /** Place of the account among the node's unlocked accounts, counted from the last: 0 is the last one. */
  readonly fromLast: number;
}

/**
 * A wallet for the local network: the development node holds funded, unlocked accounts and signs with them
 * itself (`eth_accounts`, `eth_signTypedData_v4`, `eth_sendTransaction`), so no private key is in the page.
 * It stands behind the same EIP-1193 interface as any other wallet.
 */
export function developmentWallet(
  options: DevelopmentWalletOptions,
): Pick<EIP1193Provider, 'request' | 'on' | 'removeListener'> {
  let sequence = 0;
  let connected = false;
  const call = async (method: string, params: unknown): Promise<unknown> => {
    sequence += 1;
    const response = await boundedFetch(options.fetcher)(options.rpc, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: sequence, method, params: params ?? [] }),
    });
    const answer = (await response.json()) as {
      readonly result?: unknown;
      readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
    };
    if (answer.error !== undefined)
      throw new RpcError(answer.error.message, answer.error.code, answer.error.data);
    return answer.result;
  };
  const accounts = async (): Promise<readonly string[]> => {
    const all = (await call('eth_accounts', [])) as readonly string[];
    const account = all.at(-1 - options.fromLast);
    if (account === undefined) {
      throw new RpcError(
        'The local node holds no development account. Start it with npm start.',
        -32000,
        undefined,
      );
    }
    return [account];
  };
  const request = async ({
    method,
    params,
  }: {
    readonly method: string;
    readonly params?: unknown;
  }): Promise<unknown> => {
    switch (method) {
      case 'eth_requestAccounts': {
        const granted = await accounts();
        connected = true;
        return granted;
      }
      case 'eth_accounts':
        // As with any wallet, no account before the person connects. Otherwise wagmi would connect by itself.
        return connected ? accounts() : [];
      case 'eth_chainId':
        return `0x${options.chainId.toString(16)}`;
      case 'wallet_switchEthereumChain':
        return null;
      default:
        return call(method, params);
    }
  };
  return {
    request: request as EIP1193Provider['request'],
    // Its accounts and its chain never change.
    on: () => undefined,
    removeListener: () => undefined,
  };
}
