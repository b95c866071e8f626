import { useState } from 'react';
import { useConnection, useDisconnect, useSwitchChain } from 'wagmi';
import type { Network } from '../../protocol/network-file.ts';
import { Button } from '../ui/button.tsx';
import { HexText } from '../ui/section.tsx';
import { useWallet } from './use-wallet.ts';
import { WalletChoice, type WalletOutcome } from './wallet-choice.tsx';
import { walletSentence } from './wallet-error.ts';

/** The wallet that pays for what a person does on a screen: connected, or the wallets to choose from. */
export function PayingWallet({ network }: { readonly network: Network }) {
  const [outcome, setOutcome] = useState<WalletOutcome | null>(null);
  const { status, chainId } = useConnection();
  const { mutate: disconnect } = useDisconnect();
  const { mutateAsync: switchChain } = useSwitchChain();
  const { address } = useWallet(network);
  const fail = (error: unknown) => setOutcome({ bad: true, text: walletSentence(error) });
  return (
    <div className="space-y-2">
      {status === 'connected' && address !== null ? (
        <>
          <p className="text-note">
            <HexText value={address} testId="payer" />
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
          report={setOutcome}
          fail={fail}
        />
      )}
      <p role="status" className={`text-note ${outcome?.bad === true ? 'text-bad' : 'text-quiet'}`}>
        {outcome?.text}
      </p>
    </div>
  );
}
