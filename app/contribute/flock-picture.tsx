import { plural } from '../ui/format.ts';
import { BIRD } from '../ui/mark.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { PeerStatus } from '../volunteer/volunteer-events.ts';

const SHOWN = 16;
const CENTRE = { x: 200, y: 150 };

/** A peer's place. The golden angle spreads the peers, so that one more peer moves no other. */
function place(index: number): { readonly x: number; readonly y: number } {
  const angle = index * 2.399963 - 0.6;
  const radius = 1 + 0.16 * (index % 3);
  return { x: CENTRE.x + Math.cos(angle) * 128 * radius, y: CENTRE.y + Math.sin(angle) * 88 * radius };
}

/** This device among its peers. A full line is a direct connection, a dashed line one through a relay. */
export function FlockPicture() {
  const all = useView((view) => view.peers);
  const peers = all.filter((peer) => peer.path !== 'gossip');
  const shown = peers.slice(0, SHOWN);
  const direct = peers.filter((peer) => peer.path === 'direct').length;
  const label =
    peers.length === 0
      ? 'No other device is connected yet.'
      : `This device is connected to ${plural(peers.length, 'other device')}, ${direct} of them directly.`;
  return (
    <figure>
      <svg viewBox="0 0 400 300" className="w-full" role="img" aria-label={label}>
        {shown.map((peer, index) => (
          <Link key={peer.peerId} peer={peer} index={index} />
        ))}
        {shown.map((peer, index) => {
          const { x, y } = place(index);
          return (
            <path
              key={peer.peerId}
              d={BIRD}
              fill="var(--ink)"
              opacity={peer.path === 'direct' ? 0.85 : 0.45}
              transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${((index * 37) % 50) - 25}) scale(1.05)`}
            />
          );
        })}
        <circle cx={CENTRE.x} cy={CENTRE.y} r="30" fill="var(--paper)" />
        <circle cx={CENTRE.x} cy={CENTRE.y} r="30" fill="var(--accent-soft)" />
        <path
          d={BIRD}
          fill="var(--accent)"
          transform={`translate(${CENTRE.x} ${CENTRE.y + 1}) rotate(-12) scale(1.4)`}
        />
      </svg>
      {peers.length === 0 ? (
        <figcaption className="mt-1 text-center text-note text-quiet">
          Waiting to meet other devices
        </figcaption>
      ) : null}
    </figure>
  );
}

function Link({ peer, index }: { readonly peer: PeerStatus; readonly index: number }) {
  const { x, y } = place(index);
  return (
    <line
      x1={CENTRE.x}
      y1={CENTRE.y}
      x2={x}
      y2={y}
      stroke="var(--accent)"
      strokeOpacity={peer.path === 'direct' ? 0.55 : 0.35}
      strokeWidth="1.25"
      strokeDasharray={peer.path === 'direct' ? undefined : '3 5'}
    />
  );
}
