import { type ReactNode, useId, useState } from 'react';
import { parseEther } from 'viem';
import { collectPledge, handOver, pledgeTo, refundPledge } from '../../chain/crowdfund/actions.ts';
import type { Pledge } from '../../chain/crowdfund/campaign.ts';
import { acceptJob, expireJob, reopenJob } from '../../chain/jobs/anyone.ts';
import { TOTAL_SHARES } from '../../chain/jobs/order.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { Act } from '../ui/action-button.tsx';
import { saveFile } from '../ui/save-file.ts';
import { HexText } from '../ui/section.tsx';
import type { Desk } from './jobs-controller.ts';
import type { DeskView } from './jobs-view.ts';
import type { Funding } from './market.ts';
import { eth } from './payer-panel.tsx';
import { StageLine } from './stage-line.tsx';
import { lifeOf, type NextAction, pledgeAction } from './task-life.ts';

interface TaskCardProps {
  readonly funding: Funding;
  readonly view: DeskView;
  readonly desk: Desk;
  readonly contracts: RollupContracts;
  /** The connected wallet's account, lower case. */
  readonly account: `0x${string}` | null;
  readonly payer: () => Promise<TransactionQueue>;
}

const PHASE = {
  claiming: 'Claiming the job and laying down the bond…',
  training: 'Training',
  delivering: 'Claiming the result and delivering…',
  waiting: 'Delivered. Playing any dispute until the window is over; keep this page open.',
  accepting: 'Settling, and collecting the pay…',
  done: 'Done.',
} as const;

/** One crowdfunded task from its first pledge to its end. */
export function TaskCard({ funding, view, desk, contracts, account, payer }: TaskCardProps) {
  const { chain } = view;
  if (chain === null) return null;
  const job = chain.jobs.find(({ id }) => id === funding.job);
  const claim = chain.claims.find((each) => BigInt(each.claim) === job?.delivery?.claim);
  const life = lifeOf({ funding, job, claim, now: chain.now });
  const { price, workerShares } = funding.order;
  const working = view.working !== null && view.working.job === job?.id ? view.working : null;
  const failure = view.failure !== null && view.failure.job === job?.id ? view.failure : null;
  const own = funding.pledges.filter(({ pledger }) => pledger === account);
  return (
    <article
      className="border-t border-line py-6 first:border-t-0 first:pt-0"
      data-testid={`task-${funding.id}`}
      data-state={job?.state ?? funding.state}
      aria-label={`Task ${funding.id}`}
    >
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h3 className="text-lead font-medium">Task {String(funding.id)}</h3>
        <p className="figure text-note">
          {eth(funding.raised)} <span className="text-quiet">of {eth(price)}</span>
        </p>
      </div>
      <Progress part={Number((funding.raised * 1000n) / price) / 1000} label="Pledged" />
      <p className="mt-3 max-w-prose text-body text-pretty" data-testid="task-sentence">
        {life.sentence}
      </p>
      <div className="mt-4">
        <StageLine stages={life.stages} />
      </div>
      {working === null ? null : (
        <div className="mt-4" data-testid="working" data-phase={working.phase}>
          <p className="text-note" role="status">
            {PHASE[working.phase]}
            {working.phase === 'training' && working.steps > 0
              ? `: step ${working.done} of ${working.steps}`
              : ''}
          </p>
          {working.phase === 'training' && working.steps > 0 ? (
            <Progress part={working.done / working.steps} label="Trained" />
          ) : null}
        </div>
      )}
      {failure === null ? null : (
        <p className="mt-3 text-note text-bad" role="status" data-testid="work-failure">
          {failure.cause}
        </p>
      )}
      <div className="mt-4 space-y-3">
        <Next action={life.next} {...{ funding, view, desk, contracts, account, payer }} />
        {own.map((pledge) => (
          <OwnPledge key={String(pledge.id)} {...{ pledge, funding, desk, contracts, payer }} />
        ))}
      </div>
      <dl className="mt-4 flex flex-wrap gap-x-6 gap-y-1 text-note text-quiet">
        <Small name="Worker’s part">{((100 * workerShares) / TOTAL_SHARES).toFixed(0)} %</Small>
        <Small name="Bond">{eth(funding.order.bond)}</Small>
        <Small name="What is trained">
          <HexText value={funding.order.terms} />
        </Small>
        {job?.worker === undefined ? null : (
          <Small name="Worker">
            <HexText value={job.worker} testId="task-worker" />
          </Small>
        )}
        {job?.delivery === undefined ? null : (
          <Small name="Weights">
            <HexText value={job.delivery.root} testId="task-root" />
          </Small>
        )}
      </dl>
    </article>
  );
}

function Next(props: TaskCardProps & { readonly action: NextAction | null }) {
  const { action, funding, view, desk, contracts, account, payer } = props;
  const { jobs, crowdfund } = contracts;
  const id = funding.job ?? 0n;
  const job = view.chain?.jobs.find((each) => each.id === funding.job);
  const done = async (call: Promise<unknown>) => {
    await call;
    desk.refresh();
  };
  switch (action) {
    case 'pledge':
      return <PledgeForm {...props} />;
    case 'hand-over':
      return (
        <Act
          data-testid="hand-over"
          doing="Posting the job…"
          disabled={account === null}
          act={async () => done(handOver({ queue: await payer(), crowdfund, campaign: funding.id }))}
        >
          Post the job
        </Act>
      );
    case 'work':
      return (
        <Act
          data-testid="work"
          doing=""
          disabled={view.working !== null || view.device === null || view.device.balance === 0n}
          act={() => desk.work(id)}
        >
          Train it with this device
        </Act>
      );
    case 'accept':
      return view.working?.job === id ? null : (
        <Act
          data-testid="accept"
          doing="Settling…"
          disabled={account === null}
          act={async () => done(acceptJob({ queue: await payer(), jobs, job: id }))}
        >
          Have the worker paid
        </Act>
      );
    case 'reopen':
      return (
        <Act
          data-testid="reopen"
          doing="Opening it again…"
          disabled={account === null}
          act={async () => done(reopenJob({ queue: await payer(), jobs, job: id }))}
        >
          Open it for another worker
        </Act>
      );
    case 'expire':
      return (
        <Act
          data-testid="expire"
          doing="Closing it…"
          disabled={account === null}
          act={async () => done(expireJob({ queue: await payer(), jobs, job: id }))}
        >
          Close it and return the money
        </Act>
      );
    case null:
      return job?.state === 'accepted' ? (
        <Act
          data-testid="task-model"
          doing="Computing the same training here…"
          act={async () => {
            const bytes = await desk.model(funding.order.terms);
            saveFile(`starling-task-${funding.id}.safetensors`, new Blob([bytes as Uint8Array<ArrayBuffer>]));
          }}
        >
          Download the model
        </Act>
      ) : null;
  }
}

function PledgeForm({ funding, desk, contracts, account, payer }: TaskCardProps) {
  const [amount, setAmount] = useState('');
  const field = useId();
  const missing = funding.order.price - funding.raised;
  const valid = /^\d{1,9}(\.\d{1,18})?$/.test(amount.trim()) && Number(amount) > 0;
  return (
    <div className="flex flex-wrap items-end gap-x-3 gap-y-2">
      <div>
        <label htmlFor={field} className="text-note text-quiet">
          Pledge, up to {eth(missing)}
        </label>
        <div className="mt-1 flex w-44 items-center gap-2 rounded-lg border border-line-strong/60 bg-raised px-3 focus-within:outline-2 focus-within:outline-accent">
          <input
            id={field}
            data-testid="pledge-amount"
            inputMode="decimal"
            autoComplete="off"
            value={amount}
            onChange={(event) => setAmount(event.target.value)}
            className="figure min-h-9 w-full min-w-0 bg-transparent text-body outline-none"
          />
          <span className="text-note text-quiet">ETH</span>
        </div>
      </div>
      <Act
        data-testid="pledge"
        doing="Your wallet asks…"
        disabled={account === null || !valid}
        act={async () => {
          const queue = await payer();
          const { crowdfund } = contracts;
          await pledgeTo({
            queue,
            crowdfund,
            campaign: funding.id,
            amount: parseEther(amount.trim()),
          });
          setAmount('');
          desk.refresh();
        }}
      >
        Pledge
      </Act>
      {account === null ? <p className="text-note text-quiet">Connect a wallet above to pledge.</p> : null}
    </div>
  );
}

interface OwnPledgeProps extends Pick<TaskCardProps, 'funding' | 'desk' | 'contracts' | 'payer'> {
  readonly pledge: Pledge;
}

function OwnPledge({ pledge, funding, desk, contracts, payer }: OwnPledgeProps) {
  const action = pledgeAction(funding, pledge.settled);
  const { crowdfund } = contracts;
  return (
    <div
      className="flex flex-wrap items-center gap-x-3 gap-y-1 text-note"
      data-testid={`pledge-${pledge.id}`}
      data-settled={pledge.settled}
    >
      <p>
        You pledged <span className="figure">{eth(pledge.amount)}</span>
        {pledge.settled
          ? funding.state === 'failed'
            ? '; it was returned.'
            : '; its part was collected.'
          : '.'}
      </p>
      {action === null ? null : (
        <Act
          data-testid={action}
          doing={action === 'refund' ? 'Returning it…' : 'Collecting…'}
          act={async () => {
            const queue = await payer();
            const take = action === 'refund' ? refundPledge : collectPledge;
            await take({ queue, crowdfund, pledge: pledge.id });
            await desk.withdraw(queue);
            desk.refresh();
          }}
        >
          {action === 'refund' ? 'Get it back' : 'Collect its part'}
        </Act>
      )}
    </div>
  );
}

function Progress({ part, label }: { readonly part: number; readonly label: string }) {
  const percent = Math.round(100 * Math.min(1, part));
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      className="mt-2 h-1.5 overflow-hidden rounded-full bg-sunken"
    >
      <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
    </div>
  );
}

function Small({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="flex gap-1.5">
      <dt>{name}</dt>
      <dd className="text-ink">{children}</dd>
    </div>
  );
}
