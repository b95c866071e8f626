import { lazy, Suspense, useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../ui/button.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { OpenedPart } from '../ui/opened-part.tsx';
import { ScreenIntro } from '../ui/screen-intro.tsx';
import { Empty, Section } from '../ui/section.tsx';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import { SwarmCard } from './swarm-card.tsx';
import { useSwarms } from './swarms-context.tsx';
import type { SwarmsPort } from './swarms-port.ts';
import { useJoin } from './use-join.ts';

/** Starting a swarm needs a wallet, whose code is large, so it loads when a person asks for it. */
const StartSwarm = lazy(() => import('./start-swarm.tsx'));

/** The swarms of this network: join one, or start one. */
export default function SwarmsScreen({ engine }: { readonly engine: EngineChoice }) {
  const opened = useSwarms();
  return (
    <main className="space-y-10">
      <ScreenIntro title="Train a model together">
        A swarm trains one model on tasks of its own. Every member keeps a model, and learns from the others’
        answers. Join one with this device, or start one for your own questions.
      </ScreenIntro>
      <OpenedPart opened={opened} testId="swarms-failure">
        {(swarms) => <Swarms swarms={swarms} engine={engine} />}
      </OpenedPart>
    </main>
  );
}

function Swarms({ swarms, engine }: { readonly swarms: SwarmsPort; readonly engine: EngineChoice }) {
  const { swarms: listed, hasOlder, trouble } = useStore(swarms.store);
  const chainId = useView((view) => view.network?.chainId ?? null);
  const { joined, join } = useJoin(engine);
  const [starting, setStarting] = useState(false);
  useEffect(() => swarms.follow(null), [swarms]);
  return (
    <>
      {starting ? (
        <Section
          title="Start a swarm"
          action={
            <Button look="small" onClick={() => setStarting(false)}>
              Not now
            </Button>
          }
        >
          <ErrorBoundary what="Starting a swarm">
            <Suspense
              fallback={
                <p className="text-note text-quiet" role="status">
                  Loading…
                </p>
              }
            >
              <StartSwarm swarms={swarms} />
            </Suspense>
          </ErrorBoundary>
        </Section>
      ) : null}
      <Section
        title="Swarms"
        action={
          starting ? null : (
            <Button look="small" data-testid="start-swarm" onClick={() => setStarting(true)}>
              Start a swarm
            </Button>
          )
        }
      >
        {trouble === null ? null : (
          <p className="mb-4 text-note text-warn" role="status">
            {trouble}
          </p>
        )}
        {listed === null || chainId === null ? (
          <p className="text-note text-quiet">Reading the chain…</p>
        ) : listed.length === 0 ? (
          <Empty>No swarm yet. Start the first one.</Empty>
        ) : (
          <ul className="-mt-4 divide-y divide-line">
            {listed.map((swarm) => (
              <SwarmCard
                key={swarm.id}
                swarm={swarm}
                swarms={swarms}
                chainId={chainId}
                joined={joined === swarm.id}
                onJoin={() => join(swarm.id)}
              />
            ))}
          </ul>
        )}
        {hasOlder ? (
          <Button look="small" data-testid="older-swarms" onClick={() => swarms.showOlder()}>
            Show older swarms
          </Button>
        ) : null}
      </Section>
    </>
  );
}
