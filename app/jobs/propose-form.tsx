import { useState } from 'react';
import { TOTAL_SHARES } from '../../chain/jobs/order.ts';
import { COIN_TOKEN, parseAmount } from '../../chain/token-amount.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import { type DraftField, Fields } from '../ui/field.tsx';
import { WalletActionButton } from '../wallet/wallet-action-button.tsx';
import type { JobsPort, Proposal } from './jobs-port.ts';

interface Draft {
  readonly steps: string;
  readonly price: string;
  readonly days: string;
  readonly worker: string;
}

const FIRST: Draft = { steps: '20', price: '0.1', days: '1', worker: '30' };

const FIELDS: readonly DraftField<keyof Draft>[] = [
  { name: 'steps', label: 'Training steps', unit: 'steps', testId: 'propose-steps' },
  { name: 'price', label: 'Price for all of it', unit: COIN_TOKEN.symbol, testId: 'propose-price' },
  { name: 'days', label: 'Time to collect it', unit: 'days', testId: 'propose-days' },
  { name: 'worker', label: 'Worker’s part of the model', unit: '%', testId: 'propose-share' },
];

/** The proposal that a draft makes, or the first thing that is wrong with it. */
export function readDraft(draft: Draft): { readonly problem: string } | { readonly proposal: Proposal } {
  const steps = Number(draft.steps);
  if (!Number.isInteger(steps) || steps < 1 || steps > 2000) {
    return { problem: 'Steps: a whole number from 1 to 2,000.' };
  }
  const amount = parseAmount(draft.price, COIN_TOKEN);
  if (amount === undefined) {
    return { problem: 'Price: an amount of ETH, such as 0.1.' };
  }
  const days = Number(draft.days);
  if (!(days > 0 && days <= 60)) return { problem: 'Time to collect: up to 60 days.' };
  const share = Number(draft.worker);
  if (!(share >= 0 && share <= 100)) return { problem: 'The worker’s part: 0 to 100 percent.' };
  const price = amount.units;
  return {
    proposal: {
      steps,
      price,
      bond: price / 10n,
      raiseSeconds: Math.round(days * 86_400),
      claimSeconds: 7 * 86_400,
      workSeconds: 86_400,
      workerShares: Math.round((share / 100) * TOTAL_SHARES),
    },
  };
}

interface ProposeFormProps {
  readonly jobs: JobsPort;
  readonly payer: () => Promise<TransactionQueue>;
  readonly onProposed: () => void;
}

/** A new task for others to fund. */
export function ProposeForm({ jobs, payer, onProposed }: ProposeFormProps) {
  const [draft, setDraft] = useState<Draft>(FIRST);
  const read = readDraft(draft);
  const problem = 'problem' in read ? read.problem : null;
  return (
    <div className="rounded-xl bg-sunken p-4 sm:p-5">
      <p className="max-w-prose text-note text-quiet">
        The small model that comes with this page is trained further on sums, sorting and the like. Every
        batch follows from a seed that is written to the chain, so anybody can do the same training again and
        compare.
      </p>
      <div className="mt-4 grid gap-x-5 gap-y-4 sm:grid-cols-2 lg:grid-cols-4">
        <Fields
          fields={FIELDS}
          draft={draft}
          onChange={(name, value) => setDraft({ ...draft, [name]: value })}
        />
      </div>
      <p className="mt-3 text-note text-quiet">
        A worker lays down a tenth of the price and loses it when it does not deliver. Whoever pledges gets
        the rest of the shares, by amount.
      </p>
      <div className="mt-4">
        <WalletActionButton
          look="plain"
          data-testid="propose"
          disabled={problem !== null}
          busyText="Writing the task to the chain. Your wallet asks twice…"
          action={async () => {
            if (!('proposal' in read)) return;
            await jobs.propose(read.proposal, await payer());
            onProposed();
          }}
        >
          Start collecting
        </WalletActionButton>
        {problem === null ? null : (
          <p className="mt-2 text-note text-warn" role="status" data-testid="propose-problem">
            {problem}
          </p>
        )}
      </div>
    </div>
  );
}
