import { useStore } from 'zustand';
import { formatDisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import { coinAmount, formatAmount } from '../../chain/token-amount.ts';
import { CheckBox } from '../ui/check-box.tsx';
import { OpenedPart } from '../ui/opened-part.tsx';
import { ScreenIntro } from '../ui/screen-intro.tsx';
import { Disclosure, Empty, Section } from '../ui/section.tsx';
import { useChecks } from './checks-context.tsx';
import type { ChecksPort } from './checks-port.ts';
import { ClaimCard } from './claim-card.tsx';

/** Claims about training, checked on this device, and disputes as a person can follow them. */
export default function ChecksScreen({ claim }: { readonly claim: number | null }) {
  const opened = useChecks();
  return (
    <main className="space-y-10">
      <ScreenIntro title="Check what others claim">
        A claim says that a training run gave certain weights. The same run gives the same bits on every
        device, so this one can do it again. Where it gets others, a contract finds the first number that
        differs, and computes it.
      </ScreenIntro>
      <OpenedPart opened={opened} testId="checks-failure">
        {(checks) => <Claims checks={checks} only={claim} />}
      </OpenedPart>
    </main>
  );
}

interface ClaimsProps {
  readonly checks: ChecksPort;
  /** Number of the only claim to show, or null for all. */
  readonly only: number | null;
}

function Claims({ checks, only }: ClaimsProps) {
  const view = useStore(checks.store);
  const shown = view.chain?.claims.filter(({ claim }) => only === null || claim === only);
  const short = view.device !== null && view.device.balance === 0n;
  return (
    <>
      <Section title="Auditing">
        <CheckBox
          className="text-body"
          testId="auditing"
          checked={view.auditing}
          onChange={(on) => void checks.audit(on)}
        >
          Check every claim, and challenge those that are wrong
        </CheckBox>
        <p className="mt-1 max-w-prose text-note text-quiet">
          This device then plays each dispute that it begins to its end by itself, also after a reload. A
          challenge needs a bond, which comes back with a reward when the claim is wrong and is lost when it
          is right.{' '}
          {view.device === null ? null : (
            <>
              This device holds{' '}
              <span className="figure">{formatAmount(coinAmount(view.device.balance))}</span>
              {short ? ': too little. Give it some under Jobs.' : '.'}
            </>
          )}
        </p>
        {view.log.length === 0 ? null : (
          <Disclosure summary={<>What it did</>}>
            <ol className="space-y-1" data-testid="audit-log">
              {view.log.map((event, i) => (
                // The log is newest first and never reordered, so a line's place from the end identifies it.
                <li key={view.log.length - i}>{formatDisputeEvent(event)}</li>
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
          shown.map((claim) => <ClaimCard key={claim.claim} claim={claim} view={view} checks={checks} />)
        )}
      </Section>
    </>
  );
}
