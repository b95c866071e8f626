import { useState } from 'react';
import { useConfig, useConnection, useDisconnect, useSwitchChain } from 'wagmi';
import type { Network } from '../../protocol/network-file.ts';
import { Button } from '../ui/button.tsx';
import { HexText } from '../ui/section.tsx';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';
import { type BindingStep, bindDevice } from './bind-device.ts';
import { type OutcomeReporter, WalletChoice, type WalletOutcome } from './wallet-choice.tsx';
import { walletSentence } from './wallet-error.ts';

const STEP: Readonly<Record<BindingStep, string>> = {
  reading: 'Reading the contract…',
  signing: 'Your wallet asks for one signature. It moves no money.',
  posting: 'Writing both signatures to the chain…',
};

/** The steps to an owner: choose a wallet, switch it to the right chain, and sign once. */
export function ConnectedWallet({ network }: { readonly network: Network }) {
  const connection = useConnection();
  const [outcome, setOutcome] = useState<WalletOutcome | null>(null);
  const fail = (error: unknown) => setOutcome({ bad: true, text: walletSentence(error) });
  return (
    <div className="space-y-3">
      {connection.status === 'connected' ? (
        <Connected network={network} report={setOutcome} fail={fail} />
      ) : (
        <WalletChoice
          waiting={connection.status === 'connecting' || connection.status === 'reconnecting'}
          report={setOutcome}
          fail={fail}
        />
      )}
      <p
        role="status"
        className={`text-note ${outcome?.bad === true ? 'text-bad' : 'text-quiet'}`}
        data-testid="wallet-status"
        data-connection={connection.status}
      >
        {outcome?.text}
      </p>
    </div>
  );
}

function Connected({ network, report, fail }: OutcomeReporter & { readonly network: Network }) {
  const volunteer = useVolunteer();
  const config = useConfig();
  const { address, chainId, connector } = useConnection();
  const owner = useView((view) => view.owner);
  const hasDevice = useView((view) => view.device !== null);
  const { mutate: disconnect } = useDisconnect();
  const { mutateAsync: switchChain } = useSwitchChain();
  const [step, setStep] = useState<BindingStep | null>(null);
  if (address === undefined) return null;

  const bind = async () => {
    report(null);
    try {
      const delegation = await bindDevice({
        config,
        network,
        owner: address,
        offer: await volunteer.offerBinding(),
        onStep: setStep,
      });
      await volunteer.recordDelegation(delegation);
      report({
        bad: false,
        text: 'Done. This device’s record belongs to your wallet, and no round will ask you again.',
      });
    } catch (error) {
      fail(error);
    } finally {
      setStep(null);
    }
  };

  const bound = owner?.toLowerCase() === address.toLowerCase();
  return (
    <>
      <p className="text-note">
        Connected to {connector?.name ?? 'a wallet'} as <HexText value={address} testId="wallet-address" />.
      </p>
      {chainId !== network.chainId ? (
        <>
          <p className="text-note text-warn" data-testid="wallet-wrong-chain">
            Your wallet is on chain {chainId}; this network is {network.name}, chain {network.chainId}.
          </p>
          <Button
            look="small"
            data-testid="wallet-switch"
            onClick={() => {
              report({ bad: false, text: 'Your wallet asks whether to switch.' });
              switchChain({ chainId: network.chainId }).then(() => report(null), fail);
            }}
          >
            Switch to {network.name}
          </Button>
        </>
      ) : bound ? null : (
        <>
          <Button
            look="small"
            data-testid="wallet-bind"
            disabled={step !== null || !hasDevice}
            onClick={bind}
          >
            Make this wallet the owner
          </Button>
          <p className="text-note text-quiet">
            {step !== null
              ? STEP[step]
              : hasDevice
                ? `One signature, in force for 90 days. ${network.local ? 'Writing it to the chain is paid by the local network.' : 'Your wallet then posts it, for a small network fee.'}`
                : 'Contribute first: this device has no key yet.'}
          </p>
        </>
      )}
      <Button look="text" data-testid="wallet-disconnect" onClick={() => disconnect()}>
        Disconnect
      </Button>
    </>
  );
}
