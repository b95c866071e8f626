import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { DevicePanel } from './device-panel.tsx';
import { Feed } from './feed.tsx';
import { Hero } from './hero.tsx';
import { KeyPanel } from './key-panel.tsx';
import { Learning } from './learning.tsx';
import { Ledger } from './ledger.tsx';
import { ModelCard } from './model-card.tsx';
import { Refusals } from './refusals.tsx';
import { RoundStrip } from './round-strip.tsx';
import { SwarmPanel } from './swarm-panel.tsx';
import { WalletSlot } from './wallet-slot.tsx';

interface ContributeScreenProps {
  readonly engine: EngineChoice;
  readonly onEngine: (engine: EngineChoice) => void;
}

/** From top to bottom: what happens now, how far the round is, the results, and everything else. */
export function ContributeScreen({ engine, onEngine }: ContributeScreenProps) {
  return (
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
            <DevicePanel engine={engine} onEngine={onEngine} />
            <KeyPanel />
            <WalletSlot />
            <Refusals />
          </div>
        </div>
      </div>
    </main>
  );
}
