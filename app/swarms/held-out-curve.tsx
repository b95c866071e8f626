import { formatChange, formatShare, plural } from '../ui/format.ts';
import type { HeldOutPoint } from './swarms-port.ts';

const WIDTH = 160;
const HEIGHT = 36;

/** How a swarm's models do on held-out tasks, as a line and in words. */
export function HeldOutCurve({ points }: { readonly points: readonly HeldOutPoint[] }) {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) {
    return <p className="text-note text-quiet">No member’s figures are known to this device yet.</p>;
  }
  const words =
    first === last
      ? `${formatShare(last.accuracy)} in round ${last.round}`
      : `${formatShare(first.accuracy)} in round ${first.round}, ${formatShare(last.accuracy)} in round ${last.round}`;
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
      {points.length < 2 ? null : (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="h-9 w-40 shrink-0" aria-hidden="true">
          <path
            d={lineOf(points)}
            fill="none"
            stroke="var(--accent)"
            strokeWidth="2"
            strokeLinejoin="round"
          />
        </svg>
      )}
      <p className="text-note text-quiet" data-testid="swarm-held-out">
        {words}
        {first === last ? '' : ` (${formatChange(first.accuracy, last.accuracy)})`}, as{' '}
        {plural(last.members, 'member')} published.
      </p>
    </div>
  );
}

function lineOf(points: readonly HeldOutPoint[]): string {
  const rounds = points.map(({ round }) => round);
  const shares = points.map(({ accuracy }) => accuracy);
  const [from, to] = [Math.min(...rounds), Math.max(...rounds)];
  const [low, high] = [Math.min(...shares), Math.max(...shares)];
  const x = (round: number) => 2 + ((round - from) / Math.max(1, to - from)) * (WIDTH - 4);
  const y = (share: number) => HEIGHT - 3 - ((share - low) / Math.max(0.02, high - low)) * (HEIGHT - 6);
  return points
    .map(
      ({ round, accuracy }, index) =>
        `${index === 0 ? 'M' : 'L'}${x(round).toFixed(1)} ${y(accuracy).toFixed(1)}`,
    )
    .join('');
}
