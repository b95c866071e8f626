import { Check, Copy } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';

const QrCode = lazy(() => import('./qr-code.tsx'));

/** The address that leads to a swarm, on the page that is open. What this person asked of it is left out. */
function swarmAddress(chainId: number, id: number, page: string = location.href): string {
  return `${page.split(/[?#]/)[0]}#/swarm/${chainId}/${id}`;
}

/** A swarm's link for others: to copy, and as a QR code for a phone. */
export function SwarmLink({ chainId, id }: { readonly chainId: number; readonly id: number }) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'refused'>('no');
  const address = swarmAddress(chainId, id);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address);
      setCopied('yes');
    } catch {
      // Some browsers give no clipboard to a page, or ask and are refused.
      setCopied('refused');
    }
  };
  const Icon = copied === 'yes' ? Check : Copy;
  return (
    <div className="flex flex-wrap items-start gap-x-8 gap-y-5" data-testid="swarm-link" data-value={address}>
      <div className="size-40 overflow-hidden rounded-xl">
        <ErrorBoundary what="The QR code">
          <Suspense fallback={null}>
            <QrCode text={address} />
          </Suspense>
        </ErrorBoundary>
      </div>
      <div className="min-w-0 flex-1 basis-64">
        <p className="text-note text-quiet">
          Whoever opens this address sees what the swarm trains, and can join with one click.
        </p>
        <p className="mt-2 font-mono text-note break-all">{address}</p>
        <div className="mt-3 flex flex-wrap items-center gap-3">
          <Button look="small" data-testid="swarm-copy" onClick={() => void copy()}>
            <Icon size={15} aria-hidden="true" />
            Copy the link
          </Button>
          <p role="status" className="text-note text-quiet">
            {copied === 'yes' ? 'Copied.' : copied === 'refused' ? 'Select the address and copy it.' : ''}
          </p>
        </div>
      </div>
    </div>
  );
}
