import { formatDisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import type { Desk } from '../jobs/jobs-controller.ts';
import { eth } from '../jobs/payer-panel.tsx';
import { useDesk, useDeskView } from '../jobs/use-jobs.ts';
import { Disclosure, Empty, Section } from '../ui/section.tsx';
import { ClaimCard } from './claim-card.tsx';

/** Claims about training, checked on this device, and disputes as a person can follow them. */
export default function ChecksScreen({ claim }: { readonly claim: number | null }) {
  const opened = useDesk();
  return (
    <main className="space-y-10">
      <div className="max-w-2xl pt-6">
        <h1 className="text-headline font-semibold tracking-tight text-balance">Check what others claim</h1>
        <p className="mt-3 text-lead text-quiet text-pretty">
          A claim says that a training run gave certain weights. The same run gives the same bits on every
          device, so this one can do it again. Where it gets others, a contract finds the first number that
          differs, and computes it.
        </p>
      </div>
      {opened.kind === 'opening' ? <p className="text-note text-quiet">Opening…</p> : null}
      {opened.kind === 'failed' ? (
        <p className="text-body text-bad" role="status" data-testid="desk-failure">
          {opened.cause}
        </p>
      ) : null}
      {opened.kind === 'open' ? <Claims desk={opened.desk} only={claim} /> : null}
    </main>
  );
}

function Claims({ desk, only }: { readonly desk: Desk; readonly only: number | null }) {
  const view = useDeskView(desk);
  const shown = view.chain?.claims.filter(({ claim }) => only === null || claim === only);
  const short = view.device !== null && view.device.balance === 0n;
  return (
    <>
      <Section title="Auditing">
        <label className="flex min-h-9 items-center gap-2.5 text-body">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            data-testid="auditing"
            checked={view.auditing}
            onChange={(event) => void desk.audit(event.target.checked)}
          />
          Check every claim, and challenge those that are wrong
        </label>
        <p className="mt-1 max-w-prose text-note text-quiet">
          This device then plays each dispute that it begins to its end by itself, also after a reload. A
          challenge needs a bond, which comes back with a reward when the claim is wrong and is lost when it
          is right.{' '}
          {view.device === null ? null : (
            <>
              This device holds <span className="figure">{eth(view.device.balance)}</span>
              {short ? ': too little. Give it some under Jobs.' : '.'}
            </>
          )}
        </p>
        {view.said.length === 0 ? null : (
          <Disclosure summary={<>What it did</>}>
            <ol className="space-y-1" data-testid="audit-log">
              {view.said.map((happening, i) => (
                // Newest first and never reordered: the place from the end names a line.
                <li key={view.said.length - i}>{formatDisputeEvent(happening)}</li>
              ))}
            </ol>
          </Disclosure>
        )}
      </Section>
      <Section title="Claims">
        {view.trouble === null ? null : (
          <p className="mb-4 text-note text-warn" role="status">
            {view.trouble}
          </p>
        )}
        {shown === undefined ? (
          <p className="text-note text-quiet">Reading the chain…</p>
        ) : shown.length === 0 ? (
          <Empty>
            {only === null
              ? 'No claim yet. One is made whenever a job is delivered.'
              : 'There is no claim of this number among the latest.'}
          </Empty>
        ) : (
          shown.map((claim) => <ClaimCard key={claim.claim} claim={claim} view={view} desk={desk} />)
        )}
      </Section>
    </>
  );
}
