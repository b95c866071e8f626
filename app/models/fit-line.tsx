import { formatBytes } from '../ui/format.ts';
import { fitSentence } from './fit-sentence.ts';
import type { FitState } from './use-fit.ts';

const LOOK = { good: 'bg-accent', tight: 'bg-warn', stop: 'bg-bad' } as const;

/** The memory that a use of the model takes, as a bar and a sentence. */
export function FitLine({ fit: state }: { readonly fit: FitState }) {
  if (state.kind === 'asking') return <p className="text-note text-quiet">Working out what it takes…</p>;
  if (state.kind === 'failed') return <p className="text-note text-warn">{state.cause}</p>;
  const { fit } = state;
  const { weights, optimizer, bound, activations } = fit.parts;
  const limit = fit.limit.kind === 'unknown' ? null : fit.limit.bytes;
  return (
    <div data-testid="fit" data-level={fit.level} data-need={fit.need}>
      {limit === null ? null : (
        <div className="h-1.5 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
          <div
            className={`h-full rounded-full ${LOOK[fit.level]}`}
            style={{ width: `${Math.min(100, Math.max(1, (100 * fit.need) / limit))}%` }}
          />
        </div>
      )}
      <p
        role="status"
        className={`mt-2 text-note text-pretty ${fit.level === 'stop' ? 'text-bad' : fit.level === 'tight' ? 'text-warn' : ''}`}
      >
        {fitSentence(fit)}
      </p>
      <p className="figure mt-0.5 text-note text-quiet">
        Weights {formatBytes(weights)}
        {optimizer === 0 ? '' : `, optimizer ${formatBytes(optimizer)}`}, caches {formatBytes(bound)}, work{' '}
        {formatBytes(activations)}
      </p>
    </div>
  );
}
