import { lazy, Suspense } from 'react';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { isLive } from '../volunteer/phase.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import { AskPanel } from './ask-panel.tsx';
import { DevicePanel } from './device-panel.tsx';
import { Feed } from './feed.tsx';
import { Hero } from './hero.tsx';
import { KeyPanel } from './key-panel.tsx';
import { Learning } from './learning.tsx';
import { Ledger } from './ledger.tsx';
import { ModelCard } from './model-card.tsx';
import { PipelinePanel } from './pipeline-panel.tsx';
import { Refusals } from './refusals.tsx';
import { RoundStrip } from './round-strip.tsx';
import { SwarmPanel } from './swarm-panel.tsx';
import { WalletSlot } from './wallet-slot.tsx';

/** What it shows comes from the chain, whose code is large. */
const SwarmAtWork = lazy(() => import('./swarm-at-work.tsx'));

interface ContributeScreenProps {
  readonly engine: EngineChoice;
  readonly onEngine: (engine: EngineChoice) => void;
}

/**
 * From top to bottom: what happens now, how far the round is, the results, and everything else. A panel that
 * says nothing before the device contributes is not shown until then.
 */
export function ContributeScreen({ engine, onEngine }: ContributeScreenProps) {
  const live = useView((view) => isLive(view.phase));
  const worked = useView((view) => view.history.length > 0);
  const reading = useView((view) => view.feed.length > 0);
  const model = useView((view) => view.model.start !== null || view.history.length > 0);
  const blocks = useView((view) => isLive(view.phase) && view.spec?.blocks !== undefined);
  const working = live || worked;
  return (
    <main>
      <Hero engine={engine} />
      {live && !blocks ? <RoundStrip /> : null}
      <div className="mt-4 space-y-12">
        {live ? null : (
          <ErrorBoundary what="The swarm at work">
            <Suspense fallback={null}>
              <SwarmAtWork />
            </Suspense>
          </ErrorBoundary>
        )}
        {blocks ? <PipelinePanel /> : null}
        {working && !blocks ? <Ledger /> : null}
        <div
          className={working && !blocks ? 'grid gap-x-16 gap-y-12 lg:grid-cols-[minmax(0,1fr)_20rem]' : ''}
        >
          {working && !blocks ? (
            <div className="min-w-0 space-y-12">
              <Learning />
              {live || reading ? <Feed /> : null}
              {model ? <ModelCard /> : null}
              {model ? <AskPanel /> : null}
            </div>
          ) : null}
          {/* The device's panels keep their place in the tree: a panel that moves loses what it has said. */}
          <div
            className={working && !blocks ? 'min-w-0 space-y-10' : 'grid gap-x-12 gap-y-10 md:grid-cols-3'}
          >
            {live ? <SwarmPanel /> : null}
            <DevicePanel engine={engine} onEngine={onEngine} />
            <KeyPanel />
            <WalletSlot />
            {working ? <Refusals /> : null}
          </div>
        </div>
      </div>
    </main>
  );
}
