/** Replaces WalletConnect's own window in the bundle (vite.config.ts), because this page never opens it. */
export function createAppKit(): never {
  throw new Error('The wallet panel shows the pairing link itself; set showQrModal to false.');
}
