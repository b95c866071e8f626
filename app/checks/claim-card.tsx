import type { ClaimView } from '../jobs/shown-claims.ts';
import { ActionButton } from '../ui/action-button.tsx';
import { formatSpan, plural } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';
import type { Check, ChecksPort, ChecksView } from './checks-port.ts';
import { DisputeTranscript } from './dispute-transcript.tsx';

interface ClaimCardProps {
  readonly claim: ClaimView;
  readonly view: ChecksView;
  readonly checks: ChecksPort;
}

/** What the chain says of a claim now. */
export type Standing = 'open' | 'challenged' | 'upheld' | 'lost';

function standingOf({ lost, settled, liveGames }: ClaimView): Standing {
  if (lost) return 'lost';
  if (settled) return 'upheld';
  return liveGames > 0 ? 'challenged' : 'open';
}

/** The standing as a sentence. `now` is the chain's time in Unix seconds. */
function standingSentence(claim: ClaimView, now: number): string {
  switch (standingOf(claim)) {
    case 'lost':
      return 'Proved wrong. Its author lost the bond.';
    case 'upheld':
      return 'Upheld: nobody proved it wrong within the window.';
    case 'challenged':
      return `Challenged: ${plural(claim.liveGames, 'game')} under way.`;
    case 'open':
      return now > claim.windowEnd
        ? 'Nobody objected in time; it can be settled.'
        : `Open to objection for ${formatSpan(claim.windowEnd - now)}.`;
  }
}

/** One claim: its author and standing, this device's own check, and every dispute about it. */
export function ClaimCard({ claim, view, checks }: ClaimCardProps) {
  const now = view.chain?.now ?? 0;
  const check = view.checks.get(claim.claim);
  const standing = standingOf(claim);
  return (
    <article
      className="border-t border-line py-6 first:border-t-0 first:pt-0"
      data-testid={`claim-${claim.claim}`}
      data-standing={standing}
      aria-label={`Claim ${claim.claim}`}
    >
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h3 className="text-lead font-medium">Claim {claim.claim}</h3>
        <p className="text-note text-quiet">
          by <HexText value={claim.claimant} />
        </p>
      </div>
      <p className={`mt-1 text-body ${claim.lost ? 'text-bad' : ''}`} data-testid="claim-standing">
        {standingSentence(claim, now)}
      </p>
      <div className="mt-3" data-testid="check" data-check={check?.kind ?? 'none'}>
        <Finding check={check} claim={claim} />
        {check?.kind === 'running' ? null : (
          <div className="mt-2">
            <ActionButton
              data-testid="check-claim"
              busyText="Training the same run here…"
              action={() => checks.check(claim.claim)}
            >
              {check === undefined ? 'Check it on this device' : 'Check it again'}
            </ActionButton>
          </div>
        )}
      </div>
      {claim.games.map((game) => (
        <DisputeTranscript key={game.game.game} view={game} known={view.knownRuns.get(claim.terms)} />
      ))}
    </article>
  );
}

function Finding({ check, claim }: { readonly check: Check | undefined; readonly claim: ClaimView }) {
  switch (check?.kind) {
    case undefined:
      return <p className="text-note text-quiet">Not checked on this device.</p>;
    case 'running':
      return (
        <p className="text-note" role="status">
          Training the same run here{check.steps > 0 ? `: step ${check.done} of ${check.steps}` : '…'}
        </p>
      );
    case 'same':
      return <p className="text-note font-medium text-accent">The same bits came out here.</p>;
    case 'differs':
      return (
        <div className="text-note">
          <p className="font-medium text-bad">Other bits came out here.</p>
          <dl className="mt-1 flex flex-wrap gap-x-6 text-quiet">
            <div className="flex gap-1.5">
              <dt>Claimed</dt>
              <dd>
                <HexText value={claim.root} />
              </dd>
            </div>
            <div className="flex gap-1.5">
              <dt>Computed here</dt>
              <dd>
                <HexText value={check.computed} />
              </dd>
            </div>
          </dl>
        </div>
      );
    case 'failed':
      return <p className="text-note text-warn">{check.cause}</p>;
  }
}
