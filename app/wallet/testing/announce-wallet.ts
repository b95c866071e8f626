import { onTestFinished } from 'vitest';

/**
 * Announces a wallet to the page as a browser extension does (EIP-6963). It knows one account on one chain and signs
 * nothing.
 */
export function announceWallet(options: { readonly account: `0x${string}`; readonly chainId: number }): void {
  const { account, chainId } = options;
  const answers: Readonly<Record<string, unknown>> = {
    eth_requestAccounts: [account],
    eth_accounts: [account],
    eth_chainId: `0x${chainId.toString(16)}`,
    wallet_revokePermissions: null,
  };
  const detail = Object.freeze({
    info: {
      uuid: crypto.randomUUID(),
      name: 'Test wallet',
      rdns: 'test.wallet',
      icon: 'data:image/svg+xml,',
    },
    provider: {
      on: () => undefined,
      removeListener: () => undefined,
      request: async ({ method }: { readonly method: string }) => {
        if (method in answers) return answers[method];
        throw Object.assign(new Error(`The test wallet does not answer ${method}.`), { code: 4200 });
      },
    },
  });
  const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  addEventListener('eip6963:requestProvider', announce);
  announce();
  onTestFinished(() => removeEventListener('eip6963:requestProvider', announce));
}
