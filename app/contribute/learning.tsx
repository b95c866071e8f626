import { lazy, Suspense } from 'react';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { formatShare } from '../ui/format.ts';
import { Empty, Section } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';

const LearningChart = lazy(() => import('./learning-chart.tsx'));

/** The model's progress: reward of its answers, and accuracy on tasks that are never trained on. */
export function Learning() {
  const history = useView((view) => view.history);
  const last = history.at(-1);
  return (
    <Section title="Learning" about="How your model does, round by round.">
      <dl className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
        <Measure
          name="Held-out accuracy"
          mark="solid"
          value={last === undefined ? null : formatShare(last.heldOutAccuracy)}
          what="Share of its answers that are exactly right, on tasks kept out of all training."
          testId="accuracy"
        />
        <Measure
          name="Reward"
          mark="dashed"
          value={last === undefined ? null : formatShare(last.reward)}
          what="Mean score that the tasks’ own checkers gave your answers in the last round."
          testId="reward"
        />
      </dl>
      <div className="mt-5">
        {history.length < 2 ? (
          <Empty>The curves begin with the second finished round.</Empty>
        ) : (
          <ErrorBoundary what="The chart">
            <Suspense fallback={<div className="h-56" />}>
              <LearningChart history={history} />
            </Suspense>
          </ErrorBoundary>
        )}
      </div>
    </Section>
  );
}

function Measure({
  name,
  mark,
  value,
  what,
  testId,
}: {
  readonly name: string;
  readonly mark: 'solid' | 'dashed';
  readonly value: string | null;
  readonly what: string;
  readonly testId: string;
}) {
  return (
    <div className="flex flex-col">
      <dt className="order-2 mt-1 flex items-center gap-2 text-body font-medium">
        <svg viewBox="0 0 24 6" className="h-1.5 w-6" aria-hidden="true">
          <line
            x1="1"
            x2="23"
            y1="3"
            y2="3"
            stroke={mark === 'solid' ? 'var(--accent)' : 'var(--quiet)'}
            strokeWidth={mark === 'solid' ? 3 : 2}
            strokeDasharray={mark === 'solid' ? undefined : '4 4'}
          />
        </svg>
        {name}
      </dt>
      <dd className="figure order-1 text-figure font-semibold" data-testid={testId}>
        {value ?? '–'}
      </dd>
      <dd className="order-3 text-note text-quiet">{what}</dd>
    </div>
  );
}
