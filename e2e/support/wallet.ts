import { type BrowserContext, expect, type Page } from '@playwright/test';
import { createPublicClient, createWalletClient, defineChain, type Hex, http, numberToHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { DevnetFile } from './devnet.ts';

export type WalletPolicy = 'approve' | 'reject';

interface Reply {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly emit?: readonly (readonly [event: string, argument: unknown])[];
}

/** Requests at which a real wallet would open a window. */
const PROMPTS = new Set([
  'eth_requestAccounts',
  'wallet_switchEthereumChain',
  'wallet_addEthereumChain',
  'eth_signTypedData_v4',
  'personal_sign',
  'eth_sendTransaction',
]);

/**
 * A browser wallet as a page sees one: announced by EIP-6963, speaking EIP-1193, with an account that signs
 * in this process. It answers by policy, can sit on another chain, and writes down what it would have asked
 * its user.
 */
export class TestWallet {
  readonly rdns = 'org.starling.test-wallet';
  readonly name = 'Test wallet';
  readonly prompts: string[] = [];
  policy: WalletPolicy = 'approve';
  chainId: number;
  readonly account;
  private connected = false;
  private readonly network: DevnetFile;
  private readonly known: Set<number>;

  constructor(options: {
    readonly network: DevnetFile;
    readonly privateKey: Hex;
    readonly chainId?: number;
    readonly knowsNetwork?: boolean;
  }) {
    this.network = options.network;
    this.account = privateKeyToAccount(options.privateKey);
    this.chainId = options.chainId ?? options.network.chainId;
    this.known = new Set([1, ...(options.knowsNetwork === false ? [] : [options.network.chainId])]);
  }

  async install(context: BrowserContext): Promise<void> {
    await context.exposeBinding(
      'walletRequest',
      (_source, request: { readonly method: string; readonly params?: readonly unknown[] }) =>
        this.handle(request.method, request.params ?? []),
    );
    await context.addInitScript(
      ({ rdns, name }) => {
        type Listener = (argument: unknown) => void;
        const listeners = new Map<string, Set<Listener>>();
        const provider = {
          on(event: string, listener: Listener) {
            const set = listeners.get(event) ?? new Set();
            listeners.set(event, set.add(listener));
          },
          removeListener(event: string, listener: Listener) {
            listeners.get(event)?.delete(listener);
          },
          async request(request: unknown) {
            const ask = (globalThis as unknown as { walletRequest(request: unknown): Promise<Reply> })
              .walletRequest;
            const reply = await ask(JSON.parse(JSON.stringify(request)));
            for (const [event, argument] of reply.emit ?? [])
              queueMicrotask(() => {
                for (const listener of listeners.get(event) ?? []) listener(argument);
              });
            if (reply.error !== undefined)
              throw Object.assign(new Error(reply.error.message), { code: reply.error.code });
            return reply.result;
          },
        };
        const icon =
          'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>';
        const detail = Object.freeze({
          info: Object.freeze({ uuid: crypto.randomUUID(), name, rdns, icon }),
          provider,
        });
        const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
        addEventListener('eip6963:requestProvider', announce);
        announce();
      },
      { rdns: this.rdns, name: this.name },
    );
  }

  private async handle(method: string, params: readonly unknown[]): Promise<Reply> {
    if (PROMPTS.has(method)) {
      this.prompts.push(method);
      if (this.policy === 'reject') return { error: { code: 4001, message: 'User rejected the request.' } };
    }
    try {
      return await this.answer(method, params);
    } catch (error) {
      return { error: { code: -32603, message: String(error) } };
    }
  }

  private async answer(method: string, params: readonly unknown[]): Promise<Reply> {
    switch (method) {
      case 'eth_requestAccounts':
        this.connected = true;
        return { result: [this.account.address], emit: [['accountsChanged', [this.account.address]]] };
      case 'eth_accounts':
        return { result: this.connected ? [this.account.address] : [] };
      case 'eth_chainId':
        return { result: numberToHex(this.chainId) };
      case 'net_version':
        return { result: String(this.chainId) };
      case 'wallet_requestPermissions':
      case 'wallet_getPermissions':
        return { result: this.connected ? [{ parentCapability: 'eth_accounts' }] : [] };
      case 'wallet_addEthereumChain': {
        const [{ chainId }] = params as [{ readonly chainId: Hex }];
        this.known.add(Number(chainId));
        return { result: null };
      }
      case 'wallet_switchEthereumChain': {
        const [{ chainId }] = params as [{ readonly chainId: Hex }];
        if (!this.known.has(Number(chainId)))
          return { error: { code: 4902, message: 'Unrecognized chain ID.' } };
        this.chainId = Number(chainId);
        return { result: null, emit: [['chainChanged', chainId]] };
      }
      case 'eth_signTypedData_v4': {
        const typed = JSON.parse(params[1] as string);
        // Real wallets refuse to sign for a chain they are not on.
        if (Number(typed.domain.chainId) !== this.chainId)
          return {
            error: {
              code: -32603,
              message: `Provided chainId must match the active chainId ${this.chainId}`,
            },
          };
        const { EIP712Domain: _, ...types } = typed.types;
        return { result: await this.account.signTypedData({ ...typed, types }) };
      }
      case 'eth_sendTransaction': {
        if (this.chainId !== this.network.chainId)
          return { error: { code: -32603, message: 'The wallet is on another chain.' } };
        const [{ to, data, value }] = params as [
          { readonly to: Hex; readonly data?: Hex; readonly value?: Hex },
        ];
        const chain = defineChain({
          id: this.network.chainId,
          name: 'local',
          nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
          rpcUrls: { default: { http: [this.network.rpc] } },
        });
        const wallet = createWalletClient({
          account: this.account,
          chain,
          transport: http(this.network.rpc),
        });
        return {
          result: await wallet.sendTransaction({
            to,
            ...(data === undefined ? {} : { data }),
            ...(value === undefined ? {} : { value: BigInt(value) }),
          }),
        };
      }
      default: {
        const client = createPublicClient({ transport: http(this.network.rpc) });
        return { result: await client.request({ method, params } as never) };
      }
    }
  }
}

/**
 * Connects a wallet that pays on this screen. The page moves while its figures come, and a click of which the
 * button moves away in between is none: a person clicks again.
 */
export async function connectPayer(page: Page, { rdns }: TestWallet): Promise<void> {
  const payer = page.getByTestId('payer');
  await expect(async () => {
    if (!(await payer.isVisible()))
      await page.getByTestId(`wallet-option-${rdns}`).click({ timeout: 10_000 });
    await expect(payer).toBeVisible({ timeout: 10_000 });
  }).toPass({ timeout: 120_000 });
}
