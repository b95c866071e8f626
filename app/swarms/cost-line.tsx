import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { messageOf } from '../../protocol/message-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { ActionButton } from '../ui/action-button.tsx';
import { formatBytes, formatSpan } from '../ui/format.ts';
import type { SwarmCost, SwarmsPort } from './swarms-port.ts';

type Asked =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'known'; readonly cost: SwarmCost }
  | { readonly kind: 'failed'; readonly cause: string };

/** What a round of a swarm would take on this device. */
export function CostLine({ swarms, spec }: { readonly swarms: SwarmsPort; readonly spec: SwarmSpec }) {
  const speed = useStore(swarms.store, (view) => view.speed);
  const [asked, setAsked] = useState<Asked>({ kind: 'waiting' });
  useEffect(() => {
    let current = true;
    swarms.cost(spec).then(
      (cost) => {
        if (current) setAsked({ kind: 'known', cost });
      },
      (error: unknown) => {
        if (current) setAsked({ kind: 'failed', cause: messageOf(error) });
      },
    );
    return () => {
      current = false;
    };
  }, [swarms, spec, speed]);
  if (asked.kind === 'waiting') return <p className="text-note text-quiet">Predicting what it takes here…</p>;
  if (asked.kind === 'failed') return <p className="text-note text-warn">{asked.cause}</p>;
  return <Cost cost={asked.cost} swarms={swarms} />;
}

function Cost({ cost, swarms }: { readonly cost: SwarmCost; readonly swarms: SwarmsPort }) {
  const { seconds, roundSeconds, memory, download, fit } = cost;
  const slow = seconds !== null && seconds > roundSeconds;
  return (
    <div className="text-note" data-testid="swarm-cost" data-level={fit}>
      <p className={fit === 'stop' ? 'text-bad' : slow || fit === 'tight' ? 'text-warn' : 'text-quiet'}>
        {seconds === null
          ? `Rounds of ${formatSpan(roundSeconds)}`
          : `About ${formatSpan(seconds)} of computing in a round of ${formatSpan(roundSeconds)}`}
        , about {formatBytes(memory)} of memory, and {download === 0 ? 'nothing' : formatBytes(download)} to
        fetch.
        {fit === 'stop' ? ' This device has not enough memory for it.' : ''}
        {fit === 'tight' ? ' Memory would be tight: close other programs.' : ''}
        {slow && fit !== 'stop' ? ' This device would miss rounds, or answer fewer tasks.' : ''}
      </p>
      {seconds !== null ? null : (
        <ActionButton
          look="text"
          data-testid="swarm-measure"
          busyText="Trying the engines, a few seconds…"
          action={() => swarms.measure()}
        >
          Measure how long a round takes here
        </ActionButton>
      )}
    </div>
  );
}
