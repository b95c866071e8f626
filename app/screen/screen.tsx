import { useState } from 'react';
import type { EngineChoice } from '../volunteer/port.ts';
import { DevicePanel } from './device-panel.tsx';
import { Feed } from './feed.tsx';
import { Header } from './header.tsx';
import { Hero } from './hero.tsx';
import { KeyPanel } from './key-panel.tsx';
import { Learning } from './learning.tsx';
import { Ledger } from './ledger.tsx';
import { ModelCard } from './model-card.tsx';
import { Refusals } from './refusals.tsx';
import { RoundStrip } from './round-strip.tsx';
import { SwarmPanel } from './swarm-panel.tsx';
import { WalletSlot } from './wallet-slot.tsx';

interface ScreenProps {
  /** The engine asked for in the address, or automatic. */
  readonly engine: EngineChoice;
  readonly onEngine?: (engine: EngineChoice) => void;
}

/** The one screen. Reads from top to bottom as: what is happening, how far, what came of it, and everything else. */
export function Screen({ engine: asked, onEngine }: ScreenProps) {
  const [engine, setEngine] = useState(asked);
  const choose = (choice: EngineChoice) => {
    setEngine(choice);
    onEngine?.(choice);
  };
  return (
    <div className="mx-auto max-w-6xl px-4 pb-20 sm:px-8">
      <Header />
      <main>
        <Hero engine={engine} />
        <RoundStrip />
        <div className="mt-4 space-y-12">
          <Ledger />
          <div className="grid gap-x-16 gap-y-12 lg:grid-cols-[minmax(0,1fr)_20rem]">
            <div className="min-w-0 space-y-12">
              <Learning />
              <Feed />
              <ModelCard />
            </div>
            <div className="min-w-0 space-y-10">
              <SwarmPanel />
              <DevicePanel engine={engine} onEngine={choose} />
              <KeyPanel />
              <WalletSlot />
              <Refusals />
            </div>
          </div>
        </div>
      </main>
      <footer className="mt-16 border-t border-line pt-6 text-note text-quiet">
        <p className="max-w-prose">
          Free software under the Apache License 2.0. This page sends your answers, critiques, votes, weights
          and their signatures to other volunteers, who see this device’s network address. It sends nothing
          else.
        </p>
      </footer>
    </div>
  );
}
