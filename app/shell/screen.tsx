import { lazy, type ReactNode, Suspense, useState } from 'react';
import { ContributeScreen } from '../contribute/contribute-screen.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { Header } from './header.tsx';
import { useRoute } from './route.ts';

const SwarmsScreen = lazy(() => import('../swarms/swarms-screen.tsx'));
const SwarmPage = lazy(() => import('../swarms/swarm-page.tsx'));
const JobsScreen = lazy(() => import('../jobs/jobs-screen.tsx'));
const ChecksScreen = lazy(() => import('../checks/checks-screen.tsx'));
const ModelsScreen = lazy(() => import('../models/models-screen.tsx'));

interface ScreenProps {
  /** The engine asked for in the address, or automatic. */
  readonly engine: EngineChoice;
  readonly onEngine?: (engine: EngineChoice) => void;
}

/**
 * The page with its five screens: contributing, swarms, paid jobs, checks of claims, and models on this
 * device. The device keeps contributing whichever screen is shown.
 */
export function Screen({ engine: asked, onEngine }: ScreenProps) {
  const route = useRoute();
  const [engine, setEngine] = useState(asked);
  const choose = (choice: EngineChoice) => {
    setEngine(choice);
    onEngine?.(choice);
  };
  return (
    <div className="mx-auto max-w-6xl px-4 pb-20 sm:px-8">
      <Header screen={route.screen} />
      {route.screen === 'contribute' ? <ContributeScreen engine={engine} onEngine={choose} /> : null}
      {route.screen === 'swarms' ? (
        <Fetched what="Swarms">
          <SwarmsScreen engine={engine} />
        </Fetched>
      ) : null}
      {route.screen === 'swarm' ? (
        <Fetched what="This swarm">
          <SwarmPage chainId={route.chainId} swarm={route.swarm} engine={engine} />
        </Fetched>
      ) : null}
      {route.screen === 'jobs' ? (
        <Fetched what="Jobs">
          <JobsScreen job={route.job} />
        </Fetched>
      ) : null}
      {route.screen === 'checks' ? (
        <Fetched what="Checks">
          <ChecksScreen claim={route.claim} />
        </Fetched>
      ) : null}
      {route.screen === 'models' ? (
        <Fetched what="Models">
          <ModelsScreen engine={engine} />
        </Fetched>
      ) : null}
      <footer className="mt-16 border-t border-line pt-6 text-note text-quiet">
        <p className="max-w-prose">
          Free software under the Apache License 2.0. This page sends your answers, critiques, votes, weights
          and their signatures to other volunteers, who see this device’s network address. Swarms, jobs and
          checks send transactions to the network’s chain. Models fetches files from the address that you
          type, and sends nothing. There is nothing else.
        </p>
      </footer>
    </div>
  );
}

/** A screen whose code loads when the screen is first shown. */
function Fetched({ what, children }: { readonly what: string; readonly children: ReactNode }) {
  return (
    <ErrorBoundary what={what}>
      <Suspense
        fallback={
          <p className="py-10 text-note text-quiet" role="status">
            Loading…
          </p>
        }
      >
        {children}
      </Suspense>
    </ErrorBoundary>
  );
}
