import type { Desk } from '../jobs/jobs-controller.ts';
import type { Check, ClaimView, DeskView } from '../jobs/jobs-view.ts';
import { inWords } from '../jobs/task-life.ts';
import { Act } from '../ui/action-button.tsx';
import { HexText } from '../ui/section.tsx';
import { GameStory } from './game-story.tsx';

interface ClaimCardProps {
  readonly claim: ClaimView;
  readonly view: DeskView;
  readonly desk: Desk;
}

/** What the chain says of a claim now. */
export function standingOf(claim: ClaimView, now: number): string {
  if (claim.lost) return 'Proved wrong. Its author lost the bond.';
  if (claim.settled) return 'Stands: nobody proved it wrong within the window.';
  if (claim.liveGames > 0) {
    return `Doubted: ${claim.liveGames} ${claim.liveGames === 1 ? 'game' : 'games'} under way.`;
  }
  if (now > claim.windowEnd) return 'Nobody objected in time; it can be settled.';
  return `Open to objection for ${inWords(claim.windowEnd - now)}.`;
}

/** One claim: who says what, what this device finds, and every dispute about it. */
export function ClaimCard({ claim, view, desk }: ClaimCardProps) {
  const now = view.chain?.now ?? 0;
  const check = view.checks.get(claim.claim);
  const standing = claim.lost ? 'lost' : claim.settled ? 'stands' : claim.liveGames > 0 ? 'doubted' : 'open';
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
        {standingOf(claim, now)}
      </p>
      <div className="mt-3" data-testid="check" data-check={check?.kind ?? 'none'}>
        <Finding check={check} claim={claim} />
        {check?.kind === 'running' ? null : (
          <div className="mt-2">
            <Act
              data-testid="check-claim"
              doing="Training the same run here…"
              act={() => desk.check(claim.claim)}
            >
              {check === undefined ? 'Check it on this device' : 'Check it again'}
            </Act>
          </div>
        )}
      </div>
      {claim.games.map((game) => (
        <GameStory key={game.game.game} view={game} known={view.known.get(claim.terms)} />
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
