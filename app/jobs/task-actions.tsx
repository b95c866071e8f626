import { useState } from 'react';
import { collectPledge, handOver, pledgeTo, refundPledge } from '../../chain/crowdfund/actions.ts';
import type { Pledge } from '../../chain/crowdfund/campaign.ts';
import { acceptJob, expireJob, reopenJob } from '../../chain/jobs/anyone.ts';
import { formatAmount, type KnownToken, parseAmount } from '../../chain/token-amount.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { CheckBox } from '../ui/check-box.tsx';
import { Field } from '../ui/field.tsx';
import { saveFile } from '../ui/save-file.ts';
import { WalletActionButton } from '../wallet/wallet-action-button.tsx';
import type { JobsPort, JobsView } from './jobs-port.ts';
import type { Funding } from './market.ts';
import { type NextAction, pledgeAction } from './task-life.ts';

export interface TaskProps {
  readonly funding: Funding;
  readonly view: JobsView;
  readonly jobs: JobsPort;
  readonly contracts: RollupContracts;
  /** The connected wallet's account, lower case. */
  readonly account: `0x${string}` | null;
  readonly payer: () => Promise<TransactionQueue>;
}

interface NextStepProps extends TaskProps {
  readonly action: NextAction | null;
  /** The token of the task's order. */
  readonly token: KnownToken;
}

/** The button for what anybody may do next with a task. */
export function NextStep(props: NextStepProps) {
  const { action, funding, view, jobs, contracts, account, payer } = props;
  const { crowdfund } = contracts;
  const id = funding.job ?? 0n;
  const job = view.chain?.jobs.find((each) => each.id === funding.job);
  const done = async (call: Promise<unknown>) => {
    await call;
    jobs.refresh();
  };
  switch (action) {
    case 'pledge':
      return <PledgeForm {...props} />;
    case 'hand-over':
      return (
        <WalletActionButton
          data-testid="hand-over"
          busyText="Posting the job…"
          disabled={account === null}
          action={async () => done(handOver({ queue: await payer(), crowdfund, campaign: funding.id }))}
        >
          Post the job
        </WalletActionButton>
      );
    case 'work':
      return <WorkButton {...props} job={id} />;
    case 'accept':
      return view.working?.job === id ? null : (
        <WalletActionButton
          data-testid="accept"
          busyText="Settling…"
          disabled={account === null}
          action={async () => done(acceptJob({ queue: await payer(), jobs: contracts.jobs, job: id }))}
        >
          Have the worker paid
        </WalletActionButton>
      );
    case 'reopen':
      return (
        <WalletActionButton
          data-testid="reopen"
          busyText="Opening it again…"
          disabled={account === null}
          action={async () => done(reopenJob({ queue: await payer(), jobs: contracts.jobs, job: id }))}
        >
          Open it for another worker
        </WalletActionButton>
      );
    case 'expire':
      return (
        <WalletActionButton
          data-testid="expire"
          busyText="Closing it…"
          disabled={account === null}
          action={async () => done(expireJob({ queue: await payer(), jobs: contracts.jobs, job: id }))}
        >
          Close it and return the money
        </WalletActionButton>
      );
    case null:
      return job?.state === 'accepted' ? (
        <WalletActionButton
          data-testid="task-model"
          busyText="Computing the same training here…"
          action={async () => {
            const bytes = await jobs.model(funding.order.terms);
            saveFile(`starling-task-${funding.id}.safetensors`, new Blob([bytes as Uint8Array<ArrayBuffer>]));
          }}
        >
          Download the model
        </WalletActionButton>
      ) : null;
  }
}

/** Begins the work at a job. A bond above the price has to be accepted first. */
function WorkButton({ job, funding, view, jobs, token }: NextStepProps & { readonly job: bigint }) {
  const { price, bond } = funding.order;
  const [accepted, setAccepted] = useState(false);
  const isHigh = bond > price;
  return (
    <>
      {isHigh ? (
        <CheckBox testId="accept-bond" checked={accepted} onChange={setAccepted}>
          Lay down a bond of {formatAmount({ token, units: bond })}, more than the price of{' '}
          {formatAmount({ token, units: price })}, and lose it if the work fails
        </CheckBox>
      ) : null}
      <WalletActionButton
        data-testid="work"
        busyText=""
        disabled={
          view.working !== null || view.device === null || view.device.balance === 0n || (isHigh && !accepted)
        }
        action={() => (isHigh ? jobs.work(job, bond) : jobs.work(job))}
      >
        Train it with this device
      </WalletActionButton>
    </>
  );
}

function PledgeForm({ funding, jobs, contracts, account, payer, token }: NextStepProps) {
  const [text, setText] = useState('');
  const missing = { token, units: funding.order.price - funding.raised };
  const amount = parseAmount(text, token);
  return (
    <div className="flex flex-wrap items-end gap-x-3 gap-y-2">
      <Field
        compact
        label={`Pledge, up to ${formatAmount(missing)}`}
        unit={token.symbol}
        testId="pledge-amount"
        value={text}
        onChange={setText}
      />
      <WalletActionButton
        data-testid="pledge"
        busyText="Your wallet asks…"
        disabled={account === null || amount === undefined}
        action={async () => {
          if (amount === undefined) return;
          const { crowdfund } = contracts;
          await pledgeTo({ queue: await payer(), crowdfund, campaign: funding.id, amount });
          setText('');
          jobs.refresh();
        }}
      >
        Pledge
      </WalletActionButton>
      {account === null ? <p className="text-note text-quiet">Connect a wallet above to pledge.</p> : null}
    </div>
  );
}

interface OwnPledgeProps extends Pick<TaskProps, 'funding' | 'jobs' | 'contracts' | 'payer'> {
  readonly pledge: Pledge;
  readonly token: KnownToken;
}

/** A pledge of the connected wallet, and what may be done with it. */
export function OwnPledge({ pledge, token, funding, jobs, contracts, payer }: OwnPledgeProps) {
  const action = pledgeAction(funding, pledge.settled);
  const { crowdfund } = contracts;
  return (
    <div
      className="flex flex-wrap items-center gap-x-3 gap-y-1 text-note"
      data-testid={`pledge-${pledge.id}`}
      data-settled={pledge.settled}
    >
      <p>
        You pledged <span className="figure">{formatAmount({ token, units: pledge.amount })}</span>
        {pledge.settled
          ? funding.state === 'failed'
            ? '; it was returned.'
            : '; its part was collected.'
          : '.'}
      </p>
      {action === null ? null : (
        <WalletActionButton
          data-testid={action}
          busyText={action === 'refund' ? 'Returning it…' : 'Collecting…'}
          action={async () => {
            const queue = await payer();
            const take = action === 'refund' ? refundPledge : collectPledge;
            await take({ queue, crowdfund, pledge: pledge.id });
            await jobs.withdraw(queue);
            jobs.refresh();
          }}
        >
          {action === 'refund' ? 'Get it back' : 'Collect its part'}
        </WalletActionButton>
      )}
    </div>
  );
}
