import { coinAmount, formatAmount } from '../../chain/token-amount.ts';
import type { Network } from '../../protocol/network-file.ts';
import { HexText } from '../ui/section.tsx';
import { PayingWallet } from '../wallet/paying-wallet.tsx';
import { useWallet } from '../wallet/use-wallet.ts';
import { WalletActionButton } from '../wallet/wallet-action-button.tsx';
import type { JobsPort, JobsView } from './jobs-port.ts';

interface PayerPanelProps {
  readonly network: Network;
  readonly jobs: JobsPort;
  readonly view: JobsView;
}

/** What a person gives the device for its bonds: half an ETH. */
const GIFT = coinAmount(5n * 10n ** 17n);

/** Who pays: the wallet for pledges and tasks, the device for the bonds of its own work. */
export function PayerPanel({ network, jobs, view }: PayerPanelProps) {
  const { address, payer } = useWallet(network);
  return (
    <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2">
      <div>
        <h3 className="text-body font-medium">Your wallet</h3>
        <p className="text-note text-quiet">Pays pledges, owns shares. Asked each time.</p>
        <div className="mt-2">
          <PayingWallet network={network} />
        </div>
      </div>
      <div>
        <h3 className="text-body font-medium">This device</h3>
        <p className="text-note text-quiet">
          Works and checks by its own key, so that no round and no move of a dispute has to wait for you. It
          needs some ETH for bonds, which come back unless it is wrong.
        </p>
        {view.device === null ? null : (
          <div className="mt-2 space-y-2">
            <p className="text-note">
              <HexText value={view.device.address} testId="payer-device" /> holds{' '}
              <span className="figure" data-testid="device-balance">
                {formatAmount(coinAmount(view.device.balance))}
              </span>
            </p>
            <WalletActionButton
              data-testid="fund-device"
              busyText="Waiting for the transfer…"
              disabled={address === null}
              action={async () => {
                if (view.device === null) return;
                const queue = await payer();
                await queue.transfer({ to: view.device.address, value: GIFT.units });
                jobs.refresh();
              }}
            >
              Give it {formatAmount(GIFT)}
            </WalletActionButton>
          </div>
        )}
      </div>
    </div>
  );
}
