import { useConnect, useConnectors } from 'wagmi';
import { Button } from '../ui/button.tsx';
import { PairingLink } from './pairing-link.tsx';

/** What the wallet does now, or why it failed. */
export interface WalletOutcome {
  readonly bad: boolean;
  readonly text: string;
}

export interface OutcomeReporter {
  /** Shows an outcome; null clears the last one. */
  readonly report: (outcome: WalletOutcome | null) => void;
  readonly fail: (error: unknown) => void;
}

/** The wallets of this browser, each with a button that connects it. */
export function WalletChoice({ waiting, report, fail }: OutcomeReporter & { readonly waiting: boolean }) {
  const connectors = useConnectors();
  const { mutateAsync: connect } = useConnect();
  return (
    <>
      <PairingLink />
      <ul className="space-y-2">
        {connectors.map((connector) => (
          <li key={connector.uid}>
            <Button
              look="small"
              className="w-full justify-start!"
              data-testid={`wallet-option-${connector.id}`}
              disabled={waiting}
              onClick={() => {
                report({ bad: false, text: `Waiting for ${connector.name}…` });
                connect({ connector }).then(() => report(null), fail);
              }}
            >
              {connector.icon === undefined ? null : <img src={connector.icon} alt="" className="size-4" />}
              {connector.name}
            </Button>
          </li>
        ))}
      </ul>
      {connectors.length === 0 ? (
        <p className="text-note text-quiet">
          No wallet announced itself in this browser. Install one (any that supports EIP-6963), then reload
          this page. Contributing needs none.
        </p>
      ) : null}
    </>
  );
}
