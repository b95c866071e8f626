import { Wallet } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { HexText, Section } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';

const WalletPanel = lazy(() => import('../wallet/wallet-panel.tsx'));

/** The wallet's place on the page. The code of wallets is large, so it loads when a person asks for it. */
export function WalletSlot() {
  const owner = useView((view) => view.owner);
  const [open, setOpen] = useState(false);
  return (
    <Section
      title="Owner"
      about="Optional. A wallet becomes the owner of this device’s record with one signature, and is not asked again."
    >
      {owner === null ? null : (
        <p className="text-note" data-testid="owner" data-owner={owner}>
          This device belongs to <HexText value={owner} />, as the chain records.
        </p>
      )}
      {open ? (
        <ErrorBoundary what="The wallet part">
          <Suspense
            fallback={
              <p className="text-note text-quiet" role="status">
                Loading wallet support…
              </p>
            }
          >
            <WalletPanel />
          </Suspense>
        </ErrorBoundary>
      ) : (
        <Button
          look="small"
          data-testid="wallet-connect"
          className={owner === null ? '' : 'mt-2'}
          onClick={() => setOpen(true)}
        >
          <Wallet size={15} aria-hidden="true" />
          Connect wallet
        </Button>
      )}
    </Section>
  );
}
