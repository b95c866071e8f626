import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { Network } from '../../protocol/network-file.ts';
import { Button } from '../ui/button.tsx';
import { OpenedPart } from '../ui/opened-part.tsx';
import { ScreenIntro } from '../ui/screen-intro.tsx';
import { Empty, Section } from '../ui/section.tsx';
import { useWallet } from '../wallet/use-wallet.ts';
import { WalletProvider } from '../wallet/wallet-provider.tsx';
import { useJobs } from './jobs-context.tsx';
import type { JobsPort } from './jobs-port.ts';
import { PayerPanel } from './payer-panel.tsx';
import { ProposeForm } from './propose-form.tsx';
import { TaskCard } from './task-card.tsx';

/** Training that is paid for: tasks to fund, to do, and to own. */
export default function JobsScreen({ job }: { readonly job: number | null }) {
  const opened = useJobs();
  return (
    <main className="space-y-10">
      <ScreenIntro title="Have a model trained, together">
        Pledge to a task, or do one with this device. The money waits in contracts that nobody can touch: it
        goes to the worker when the result has stood open to objection, and back to you when not.
      </ScreenIntro>
      <OpenedPart opened={opened} testId="jobs-failure">
        {(jobs) => (
          <WalletProvider>{(network) => <Tasks network={network} jobs={jobs} only={job} />}</WalletProvider>
        )}
      </OpenedPart>
    </main>
  );
}

interface TasksProps {
  readonly network: Network;
  readonly jobs: JobsPort;
  /** Number of the only task to show, or null for all. */
  readonly only: number | null;
}

function Tasks({ network, jobs, only }: TasksProps) {
  const view = useStore(jobs.store);
  const { address, payer } = useWallet(network);
  const [proposing, setProposing] = useState(false);
  const { rollup: contracts } = network;
  useEffect(() => {
    jobs.follow({ account: address, campaign: only === null ? null : BigInt(only) });
  }, [jobs, address, only]);
  if (contracts === undefined) return <Empty>This network has no contracts for paid training.</Empty>;
  const shown = view.chain?.fundings.filter(({ id }) => only === null || id === BigInt(only));
  return (
    <>
      <Section title="Who pays">
        <PayerPanel network={network} jobs={jobs} view={view} />
      </Section>
      <Section
        title="Tasks"
        action={
          <Button
            look="small"
            data-testid="new-task"
            aria-expanded={proposing}
            onClick={() => setProposing(!proposing)}
          >
            {proposing ? 'Not now' : 'Propose a task'}
          </Button>
        }
      >
        {view.trouble === null ? null : (
          <p className="mb-4 text-note text-warn" role="status">
            {view.trouble}
          </p>
        )}
        {proposing ? (
          <div className="mb-8">
            {address === null ? (
              <Empty>Connect a wallet above to propose a task.</Empty>
            ) : (
              <ProposeForm jobs={jobs} payer={payer} onProposed={() => setProposing(false)} />
            )}
          </div>
        ) : null}
        {shown === undefined ? (
          <p className="text-note text-quiet">Reading the chain…</p>
        ) : shown.length === 0 ? (
          <Empty>
            {only === null ? 'No task yet. Propose the first one.' : 'There is no task of this number.'}
          </Empty>
        ) : (
          shown.map((funding) => (
            <TaskCard
              key={String(funding.id)}
              funding={funding}
              view={view}
              jobs={jobs}
              contracts={contracts}
              account={address}
              payer={payer}
            />
          ))
        )}
        {only === null && view.chain?.hasOlder === true ? (
          <Button look="small" data-testid="older-tasks" onClick={() => jobs.showOlder()}>
            Show older tasks
          </Button>
        ) : null}
      </Section>
    </>
  );
}
