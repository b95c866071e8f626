import { useEffect, useMemo, useState } from 'react';
import { useStore } from 'zustand';
import { messageOf } from '../../protocol/message-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { comparisonInWords } from '../../workers/cost-record.ts';
import type { SwarmCost } from '../../workers/round-cost.ts';
import { ActionButton } from '../ui/action-button.tsx';
import { formatBytes, formatSpan } from '../ui/format.ts';
import type { SwarmsPort } from './swarms-port.ts';

type Asked =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'known'; readonly cost: SwarmCost }
  | { readonly kind: 'failed'; readonly cause: string };

interface CostLineProps {
  readonly swarms: SwarmsPort;
  readonly spec: SwarmSpec;
  /** Number of the swarm; absent while it is not open. */
  readonly id?: number;
}

/** What a round of a swarm would take on this device, and what rounds of it took. */
export function CostLine({ swarms, spec, id }: CostLineProps) {
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
  return <Cost cost={asked.cost} swarms={swarms} id={id} />;
}

interface CostProps {
  readonly cost: SwarmCost;
  readonly swarms: SwarmsPort;
  readonly id: number | undefined;
}

function Cost({ cost, swarms, id }: CostProps) {
  const took = useMemo(() => (id === undefined ? null : swarms.took(id, cost)), [swarms, id, cost]);
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
      {took === null ? null : (
        <p className="text-quiet" data-testid="swarm-took">
          {comparisonInWords(took)}
        </p>
      )}
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
