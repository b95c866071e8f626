import { useState } from 'react';
import { formatEther, parseEther } from 'viem';
import { useConnection, useDisconnect, useSwitchChain } from 'wagmi';
import type { Network } from '../../protocol/network-file.ts';
import { shortHex } from '../format.ts';
import { Act } from '../ui/action-button.tsx';
import { Button } from '../ui/button.tsx';
import { type Said, WalletChoice } from '../wallet/wallet-choice.tsx';
import { walletSentence } from '../wallet/wallet-error.ts';
import type { Desk } from './jobs-controller.ts';
import type { DeskView } from './jobs-view.ts';
import { useWallet } from './use-wallet.ts';

interface PurseProps {
  readonly network: Network;
  readonly desk: Desk;
  readonly view: DeskView;
}

/** ETH with as many digits as a person reads. */
export function eth(wei: bigint): string {
  const whole = Number(formatEther(wei));
  return `${whole === 0 ? '0' : whole >= 1 ? whole.toFixed(3).replace(/\.?0+$/, '') : whole.toPrecision(3).replace(/\.?0+$/, '')} ETH`;
}

/** Who pays: the wallet for what a person wants, the device for the bonds of what it does. */
export function Purse({ network, desk, view }: PurseProps) {
  const [said, setSaid] = useState<Said | null>(null);
  const { status, chainId } = useConnection();
  const { mutate: disconnect } = useDisconnect();
  const { mutateAsync: switchChain } = useSwitchChain();
  const { address, payer } = useWallet(network);
  const fail = (error: unknown) => setSaid({ bad: true, text: walletSentence(error) });
  const amount = '0.5';
  return (
    <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2">
      <div>
        <h3 className="text-body font-medium">Your wallet</h3>
        <p className="text-note text-quiet">Pays pledges, owns shares. Asked each time.</p>
        <div className="mt-2 space-y-2">
          {status === 'connected' && address !== null ? (
            <>
              <p className="text-note">
                <code className="font-mono" title={address} data-testid="payer" data-value={address}>
                  {shortHex(address)}
                </code>
              </p>
              {chainId !== network.chainId ? (
                <Button
                  look="small"
                  data-testid="payer-switch"
                  onClick={() => void switchChain({ chainId: network.chainId }).catch(fail)}
                >
                  Switch to {network.name}
                </Button>
              ) : null}
              <Button look="text" data-testid="payer-disconnect" onClick={() => disconnect()}>
                Disconnect
              </Button>
            </>
          ) : (
            <WalletChoice
              waiting={status === 'connecting' || status === 'reconnecting'}
              say={setSaid}
              fail={fail}
            />
          )}
          <p role="status" className={`text-note ${said?.bad === true ? 'text-bad' : 'text-quiet'}`}>
            {said?.text}
          </p>
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
              <code
                className="font-mono"
                title={view.device.address}
                data-testid="purse-device"
                data-value={view.device.address}
              >
                {shortHex(view.device.address)}
              </code>{' '}
              holds{' '}
              <span className="figure" data-testid="device-balance">
                {eth(view.device.balance)}
              </span>
            </p>
            <Act
              data-testid="fund-device"
              doing="Waiting for the transfer…"
              disabled={address === null}
              act={async () => {
                if (view.device === null) return;
                const queue = await payer();
                await queue.transfer({ to: view.device.address, value: parseEther(amount) });
                desk.refresh();
              }}
            >
              Give it {amount} ETH
            </Act>
          </div>
        )}
      </div>
    </div>
  );
}
