/** Stands in the bundle for WalletConnect's own window, which this page never opens; see vite.config.ts. */
export function createAppKit(): never {
  throw new Error('The wallet panel shows the pairing link itself; set showQrModal to false.');
}
