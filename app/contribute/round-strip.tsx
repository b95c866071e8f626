import type { Stage } from '../../protocol/ledger.ts';
import { formatWait } from '../ui/format.ts';
import { useNow } from '../ui/use-now.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { VolunteerView } from '../volunteer/volunteer-view.ts';

const STAGES: readonly { readonly stage: Stage; readonly name: string; readonly what: string }[] = [
  { stage: 'answer', name: 'Answer', what: 'Each device draws some of the round’s tasks and answers them.' },
  { stage: 'critique', name: 'Critique', what: 'Each judges some of the others’ answers: right or wrong.' },
  {
    stage: 'vote',
    name: 'Vote and train',
    what: 'Each votes for the best answers, then learns from the round.',
  },
];

/**
 * The present round and its stage. Both follow from the chain's time, so every device is in the same stage.
 */
export function RoundStrip() {
  const clock = useView((view) => view.clock);
  const now = useNow(400, clock !== null);
  const current = clock === null ? -1 : STAGES.findIndex((entry) => entry.stage === clock.stage);
  return (
    <section aria-label="Round" className="border-t border-line py-6">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6">
        <h2 className="text-title font-semibold tracking-tight">
          Round{' '}
          <span className="figure" data-testid="round">
            {clock?.round}
          </span>
        </h2>
        <p className="text-note text-quiet">
          {clock === null ? (
            'A round is one turn of the swarm: answer, critique, vote and train. The clock starts when you contribute.'
          ) : (
            <>
              Stage <span data-testid="stage">{clock.stage}</span>,{' '}
              <span className="figure">{formatWait(clock.stageEndsAt - now)}</span> left
            </>
          )}
        </p>
      </div>
      <ol className="mt-4 grid grid-cols-3 gap-x-2 sm:gap-x-3">
        {STAGES.map((entry, index) => {
          const active = index === current;
          return (
            <li key={entry.stage} aria-current={active ? 'step' : undefined}>
              <div className="h-1.5 overflow-hidden rounded-full bg-sunken">
                <div
                  className="h-full rounded-full bg-accent motion-safe:transition-[width] duration-500 ease-linear"
                  style={{ width: `${100 * filled(clock, index, current, now)}%` }}
                />
              </div>
              <p
                className={`mt-2 text-note sm:text-body ${active ? 'font-semibold' : 'font-medium text-quiet'}`}
              >
                {entry.name}
              </p>
              <p className="hidden text-note text-quiet sm:block">{entry.what}</p>
            </li>
          );
        })}
      </ol>
      <p className="mt-1 text-note text-quiet sm:hidden">{STAGES[current]?.what}</p>
    </section>
  );
}

type Clock = NonNullable<VolunteerView['clock']>;

/** How much of a stage's bar is full, 0 to 1. */
function filled(clock: Clock | null, index: number, current: number, now: number): number {
  if (clock === null || index > current) return 0;
  if (index < current) return 1;
  const length = clock.stageEndsAt - clock.stageStartedAt;
  return length <= 0 ? 0 : Math.min(1, Math.max(0, (now - clock.stageStartedAt) / length));
}
