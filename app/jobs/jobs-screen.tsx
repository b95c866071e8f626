import { useState } from 'react';
import type { Network } from '../../protocol/network-file.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Section } from '../ui/section.tsx';
import { WalletProvider } from '../wallet/wallet-provider.tsx';
import type { Desk } from './jobs-controller.ts';
import { Purse } from './payer-panel.tsx';
import { ProposeForm } from './propose-form.tsx';
import { TaskCard } from './task-card.tsx';
import { useDesk, useDeskView } from './use-jobs.ts';
import { useWallet } from './use-wallet.ts';

/** Training that is paid for: tasks to fund, to do, and to own. */
export default function JobsScreen({ job }: { readonly job: number | null }) {
  const opened = useDesk();
  return (
    <main className="space-y-10">
      <div className="max-w-2xl pt-6">
        <h1 className="text-headline font-semibold tracking-tight text-balance">
          Have a model trained, together
        </h1>
        <p className="mt-3 text-lead text-quiet text-pretty">
          Pledge to a task, or do one with this device. The money waits in contracts that nobody can touch: it
          goes to the worker when the result has stood open to objection, and back to you when not.
        </p>
      </div>
      {opened.kind === 'opening' ? <p className="text-note text-quiet">Opening…</p> : null}
      {opened.kind === 'failed' ? (
        <p className="text-body text-bad" role="status" data-testid="desk-failure">
          {opened.cause}
        </p>
      ) : null}
      {opened.kind === 'open' ? (
        <WalletProvider>
          {(network) => <Tasks network={network} desk={opened.desk} only={job} />}
        </WalletProvider>
      ) : null}
    </main>
  );
}

interface TasksProps {
  readonly network: Network;
  readonly desk: Desk;
  readonly only: number | null;
}

function Tasks({ network, desk, only }: TasksProps) {
  const view = useDeskView(desk);
  const { address, payer } = useWallet(network);
  const [proposing, setProposing] = useState(false);
  const { rollup: contracts } = network;
  if (contracts === undefined) return <Empty>This network has no contracts for paid training.</Empty>;
  const shown = view.chain?.fundings.filter(({ id }) => only === null || id === BigInt(only));
  return (
    <>
      <Section title="Who pays">
        <Purse network={network} desk={desk} view={view} />
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
              <ProposeForm desk={desk} payer={payer} onProposed={() => setProposing(false)} />
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
              account={address}
              {...{ funding, view, desk, contracts, payer }}
            />
          ))
        )}
      </Section>
    </>
  );
}
