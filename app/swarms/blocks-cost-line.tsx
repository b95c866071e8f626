import { useEffect, useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { BlocksCost } from '../../workers/blocks-cost.ts';
import { formatBytes, plural } from '../ui/format.ts';
import { Disclosure } from '../ui/section.tsx';
import { blockName } from '../volunteer/blocks-words.ts';
import type { SwarmsPort } from './swarms-port.ts';

interface BlocksCostLineProps {
  readonly swarms: SwarmsPort;
  readonly spec: SwarmSpec;
}

type Asked =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'known'; readonly cost: BlocksCost }
  | { readonly kind: 'failed'; readonly cause: string };

/** Which blocks of a swarm's model this device would keep, and what they take. */
export function BlocksCostLine({ swarms, spec }: BlocksCostLineProps) {
  const [asked, setAsked] = useState<Asked>({ kind: 'waiting' });
  useEffect(() => {
    let current = true;
    swarms.blocksCost(spec).then(
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
  }, [swarms, spec]);
  if (asked.kind === 'waiting') return <p className="text-note text-quiet">Predicting what it takes here…</p>;
  if (asked.kind === 'failed') return <p className="text-note text-warn">{asked.cause}</p>;
  const { blocks, most } = asked.cost;
  const disk = blocks.reduce((sum, block) => sum + block.disk, 0);
  const largest = Math.max(...blocks.map(({ memory }) => memory));
  return (
    <div className="text-note" data-testid="blocks-cost">
      <p className={most === 0 ? 'text-bad' : 'text-quiet'}>
        {`The model is cut into ${plural(blocks.length, 'block')} of ${formatBytes(disk)} of storage in all, its versions in use included. `}
        {most === 0
          ? 'This device has no storage left for any of them.'
          : most === blocks.length
            ? 'This device has storage for all of them, and keeps those that others lack.'
            : `This device has storage for ${most} of them at most, and keeps those that others lack.`}
        {` A block takes at most ${formatBytes(largest)} of memory. While blocks move between devices, this one may hold one more than it keeps.`}
      </p>
      <Disclosure summary="Block by block">
        <ul className="max-w-md divide-y divide-line">
          {blocks.map(({ id, disk: bytes, memory }) => (
            <li key={id} className="flex flex-wrap justify-between gap-x-4 py-1.5">
              <span>{blockName(id)}</span>
              <span className="text-quiet">
                {formatBytes(bytes)} of storage, {formatBytes(memory)} of memory
              </span>
            </li>
          ))}
        </ul>
      </Disclosure>
    </div>
  );
}
