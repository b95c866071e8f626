import { onTestFinished } from 'vitest';

/**
 * Announces a wallet to the page as a browser extension does (EIP-6963). It has one account on one chain,
 * which it shows once it was asked to connect, and it signs nothing.
 */
export function announceWallet(options: { readonly account: `0x${string}`; readonly chainId: number }): void {
  const { account, chainId } = options;
  let connected = false;
  const answer = (method: string): unknown => {
    switch (method) {
      case 'eth_requestAccounts':
        connected = true;
        return [account];
      case 'eth_accounts':
        return connected ? [account] : [];
      case 'eth_chainId':
        return `0x${chainId.toString(16)}`;
      default:
        throw Object.assign(new Error(`The test wallet does not answer ${method}.`), { code: 4200 });
    }
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
      request: async ({ method }: { readonly method: string }) => answer(method),
    },
  });
  const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  addEventListener('eip6963:requestProvider', announce);
  announce();
  onTestFinished(() => removeEventListener('eip6963:requestProvider', announce));
}
