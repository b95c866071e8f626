import type { ReactNode } from 'react';
import { TOTAL_SHARES } from '../../chain/jobs/order.ts';
import { formatAmount, knownToken } from '../../chain/token-amount.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';
import { HexText } from '../ui/section.tsx';
import { StageLine } from './stage-line.tsx';
import { NextStep, OwnPledge, type TaskProps } from './task-actions.tsx';
import { lifeOf } from './task-life.ts';

const PHASE = {
  looking: 'Looking whether this device can do it, before any bond is laid down…',
  claiming: 'Claiming the job and laying down the bond…',
  training: 'Training',
  delivering: 'Claiming the result and delivering…',
  waiting: 'Delivered. Playing any dispute until the window is over; keep this page open.',
  accepting: 'Settling, and collecting the pay…',
  done: 'Done.',
} as const;

/** One crowdfunded task from its first pledge to its end. */
export function TaskCard(props: TaskProps) {
  const { funding, view, jobs, contracts, account, payer } = props;
  const { chain } = view;
  if (chain === null) return null;
  const job = chain.jobs.find(({ id }) => id === funding.job);
  const claim = chain.claims.find((each) => BigInt(each.claim) === job?.delivery?.claim);
  const life = lifeOf({ funding, job, claim, now: chain.now });
  const { price, workerShares } = funding.order;
  const token = knownToken(funding.order.token);
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
        {token === undefined ? null : (
          <p className="figure text-note">
            {formatAmount({ token, units: funding.raised })}{' '}
            <span className="text-quiet">of {formatAmount({ token, units: price })}</span>
          </p>
        )}
      </div>
      <ProgressBar share={Number((funding.raised * 1000n) / price) / 1000} label="Pledged" />
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
            <ProgressBar share={working.done / working.steps} label="Trained" />
          ) : null}
        </div>
      )}
      {failure === null ? null : (
        <p className="mt-3 text-note text-bad" role="status" data-testid="work-failure">
          {failure.cause}
        </p>
      )}
      {token === undefined ? (
        <p className="mt-4 text-note text-warn" data-testid="unknown-token">
          It is in a token this page does not know: {funding.order.token}. Pay for it and work at it
          elsewhere.
        </p>
      ) : (
        <div className="mt-4 space-y-3">
          <NextStep {...props} action={life.next} token={token} />
          {own.map((pledge) => (
            <OwnPledge
              key={String(pledge.id)}
              pledge={pledge}
              token={token}
              funding={funding}
              jobs={jobs}
              contracts={contracts}
              payer={payer}
            />
          ))}
        </div>
      )}
      <dl className="mt-4 flex flex-wrap gap-x-6 gap-y-1 text-note text-quiet">
        <SmallFact name="Worker’s part">{((100 * workerShares) / TOTAL_SHARES).toFixed(0)} %</SmallFact>
        {token === undefined ? null : (
          <SmallFact name="Bond">{formatAmount({ token, units: funding.order.bond })}</SmallFact>
        )}
        <SmallFact name="Steps">{funding.order.steps}</SmallFact>
        <SmallFact name="What is trained">
          <HexText value={funding.order.terms} />
        </SmallFact>
        {job?.worker === undefined ? null : (
          <SmallFact name="Worker">
            <HexText value={job.worker} testId="task-worker" />
          </SmallFact>
        )}
        {job?.delivery === undefined ? null : (
          <SmallFact name="Weights">
            <HexText value={job.delivery.root} testId="task-root" />
          </SmallFact>
        )}
      </dl>
    </article>
  );
}

function SmallFact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="flex gap-1.5">
      <dt>{name}</dt>
      <dd className="text-ink">{children}</dd>
    </div>
  );
}
