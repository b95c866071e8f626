import { Feather } from 'lucide-react';
import { Button } from '../ui/button.tsx';
import { BlocksCostLine } from './blocks-cost-line.tsx';
import { CostLine } from './cost-line.tsx';
import { HeldOutCurve } from './held-out-curve.tsx';
import { membersInWords, trainsInWords } from './swarm-words.ts';
import type { ShownSwarm, SwarmsPort } from './swarms-port.ts';

interface SwarmCardProps {
  readonly swarm: ShownSwarm;
  readonly swarms: SwarmsPort;
  readonly chainId: number;
  /** Whether this device contributes to it now. */
  readonly joined: boolean;
  readonly onJoin: () => void;
}

/** One swarm in the list. */
export function SwarmCard({ swarm, swarms, chainId, joined, onJoin }: SwarmCardProps) {
  const { id, spec, problem, round, members, heldOut } = swarm;
  const name = spec?.name ?? `Swarm ${id}`;
  return (
    <li className="grid gap-x-10 gap-y-4 py-6 md:grid-cols-[minmax(0,1fr)_15rem]" data-testid={`swarm-${id}`}>
      <div className="min-w-0 space-y-2">
        <h3 className="text-title font-semibold tracking-tight">
          <a
            href={`#/swarm/${chainId}/${id}`}
            className="underline decoration-line-strong/60 underline-offset-4 hover:decoration-current"
          >
            {name}
          </a>
        </h3>
        {spec === null ? null : (
          <>
            <p className="max-w-prose text-body">{spec.description}</p>
            <p className="max-w-prose text-note text-quiet">{trainsInWords(spec)}</p>
            <HeldOutCurve points={heldOut} />
            {problem !== null ? null : spec.blocks === undefined ? (
              <CostLine swarms={swarms} spec={spec} id={id} />
            ) : (
              <BlocksCostLine swarms={swarms} spec={spec} />
            )}
          </>
        )}
        {problem === null ? null : (
          <p className="max-w-prose text-note text-warn" data-testid="swarm-problem">
            {problem}
          </p>
        )}
      </div>
      <div className="flex flex-row flex-wrap items-center justify-between gap-3 md:flex-col md:items-end md:justify-start">
        <p className="text-note text-quiet md:text-right">
          <span className="text-ink" data-testid="swarm-members" data-value={members}>
            {membersInWords(members)}
          </span>
          <br />
          round <span className="figure">{round}</span>
        </p>
        {joined ? (
          <p className="text-note font-medium text-accent">You contribute here.</p>
        ) : (
          <Button look="main" data-testid="swarm-join" disabled={problem !== null} onClick={onJoin}>
            <Feather size={17} aria-hidden="true" />
            Join<span className="sr-only"> {name}</span>
          </Button>
        )}
      </div>
    </li>
  );
}
