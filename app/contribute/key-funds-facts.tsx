import { useState } from 'react';
import { coinAmount, formatAmount } from '../../chain/token-amount.ts';
import { ActionButton } from '../ui/action-button.tsx';
import { shortHex } from '../ui/format.ts';
import { Fact } from '../ui/section.tsx';
import type { HeldFunds } from '../volunteer/key-port.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';
import type { KeyFundsView } from './use-key-funds.ts';

/** What the keys of this device hold, and a button that sends it to the owner. */
export default function KeyFundsFacts({ funds }: { readonly funds: KeyFundsView }) {
  const { present, earlier, failure, refresh } = funds;
  return (
    <>
      <dl className="mt-2 divide-y divide-line">
        <Fact name="Coin of this key" testId="key-coin">
          {present === null ? (
            <span className="text-quiet">{failure === null ? 'not read yet' : 'not known'}</span>
          ) : (
            <span className="figure">{inEth(present.balance + present.credit)}</span>
          )}
        </Fact>
        {present === null || present.bonded === 0n ? null : (
          <Fact name="Bonds at stake" testId="key-bonded">
            <span className="figure">{inEth(present.bonded)}</span>
          </Fact>
        )}
      </dl>
      {failure === null ? null : <p className="text-note text-quiet">{failure}</p>}
      {present === null ? null : <SweepButton held={present} onSent={refresh} />}
      {earlier.map((held) => (
        <div key={held.address} className="mt-2" data-testid="key-earlier">
          <p className="text-note">
            Earlier key {shortHex(held.address)} is kept here and has{' '}
            <span className="figure">{inEth(held.balance + held.credit)}</span>
            {held.bonded === 0n ? '.' : `, and ${inEth(held.bonded)} in bonds at stake.`}
          </p>
          <SweepButton held={held} onSent={refresh} />
        </div>
      ))}
    </>
  );
}

/** Sends what a key holds to the owner of this device. */
function SweepButton(props: { readonly held: HeldFunds; readonly onSent: () => void }) {
  const { held, onSent } = props;
  const { keys } = useVolunteer();
  const owner = useView((view) => view.owner);
  const [sent, setSent] = useState<string | null>(null);
  const some = held.balance + held.credit > 0n;
  if (!some) return sent === null ? null : <p className="text-note">{sent}</p>;
  if (held.bonded > 0n)
    return (
      <p className="text-note text-quiet">
        The key needs its coin to defend its bonds. It can be sent to the owner once they are decided.
      </p>
    );
  if (owner === null)
    return (
      <p className="text-note text-quiet">
        Make a wallet the owner of this device, below, and the coin can be sent there.
      </p>
    );
  return (
    <>
      <ActionButton
        data-testid="key-sweep"
        busyText="Sending…"
        action={async () => {
          const wei = await keys.sweep({ from: held.address, to: owner });
          setSent(`Sent ${inEth(wei)} to ${shortHex(owner)}.`);
          onSent();
        }}
      >
        Send it to the owner
      </ActionButton>
      {sent === null ? null : <p className="text-note">{sent}</p>}
    </>
  );
}

/** Wei for a person, such as `0.5 ETH`. */
function inEth(wei: bigint): string {
  return formatAmount(coinAmount(wei));
}
