import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { HeldOutCurve } from '../swarms/held-out-curve.tsx';
import { membersInWords, trainsInWords } from '../swarms/swarm-words.ts';
import { useSwarms } from '../swarms/swarms-context.tsx';
import type { SwarmsPort } from '../swarms/swarms-port.ts';
import { Section } from '../ui/section.tsx';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

/** The swarm that a click on Contribute joins, as it works without this device. */
export default function SwarmAtWork() {
  const opened = useSwarms();
  // Without a chain there is nothing to say; the first screen names the network's trouble elsewhere.
  return opened.kind === 'open' ? <AtWork swarms={opened.value} /> : null;
}

function AtWork({ swarms }: { readonly swarms: SwarmsPort }) {
  const volunteer = useVolunteer();
  const chosen = useView((view) => view.swarm);
  const chainId = useView((view) => view.network?.chainId ?? null);
  const [own, setOwn] = useState<number | null>(null);
  const id = chosen ?? own;
  useEffect(() => {
    let current = true;
    volunteer.network().then(
      ({ swarm }) => {
        if (current) setOwn(swarm);
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [volunteer]);
  useEffect(() => {
    if (id !== null) swarms.follow(id);
  }, [swarms, id]);
  const swarm = useStore(swarms.store, ({ swarms: listed }) => listed?.find((each) => each.id === id));
  if (chainId === null || swarm === undefined || swarm.spec === null) return null;
  const { spec, members, round, heldOut } = swarm;
  return (
    <Section
      title="The swarm at work"
      action={
        <a
          href="#/swarms"
          className="inline-flex min-h-9 items-center text-note font-medium text-accent underline decoration-line-strong/60 underline-offset-4 hover:decoration-current"
        >
          See all swarms
        </a>
      }
      testId="swarm-at-work"
    >
      <div className="grid gap-x-12 gap-y-3 md:grid-cols-[minmax(0,1fr)_15rem]">
        <div className="min-w-0 space-y-2">
          <h3 className="text-body font-semibold">
            <a className="hover:underline" href={`#/swarm/${chainId}/${swarm.id}`}>
              {spec.name}
            </a>
          </h3>
          <p className="max-w-prose text-body">{spec.description}</p>
          <p className="max-w-prose text-note text-quiet">{trainsInWords(spec)}</p>
          <HeldOutCurve points={heldOut} />
        </div>
        <p className="text-note text-quiet md:text-right">
          <span className="text-ink">{membersInWords(members)}</span>
          <br />
          round <span className="figure">{round}</span>
        </p>
      </div>
    </Section>
  );
}
