import { useEffect, useState } from 'react';
import { useConnectors } from 'wagmi';
import { Button } from '../ui/button.tsx';

/**
 * WalletConnect's pairing address while one is offered, to open on this phone or to paste into a wallet
 * elsewhere.
 */
export function PairingLink() {
  const connectors = useConnectors();
  const [uri, setUri] = useState<string | null>(null);
  const connector = connectors.find((candidate) => candidate.id === 'walletConnect');
  useEffect(() => {
    if (connector === undefined) return;
    const handle = (message: { readonly type: string; readonly data?: unknown }) => {
      if (message.type === 'display_uri' && typeof message.data === 'string') setUri(message.data);
    };
    connector.emitter.on('message', handle);
    return () => connector.emitter.off('message', handle);
  }, [connector]);
  if (uri === null) return null;
  return (
    <div className="space-y-2 rounded-xl bg-sunken p-3">
      <p className="text-note">Open this in your wallet app, or copy it into a wallet on another device.</p>
      <div className="flex flex-wrap gap-2">
        <a
          href={uri}
          className="inline-flex min-h-9 items-center text-note font-medium text-accent underline"
        >
          Open wallet app
        </a>
        <Button look="small" onClick={() => void navigator.clipboard.writeText(uri)}>
          Copy pairing link
        </Button>
      </div>
    </div>
  );
}
