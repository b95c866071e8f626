import { formatCount } from '../ui/format.ts';
import { Empty, HexText, Section } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import { Cell, Head, Transaction } from './statement-table.tsx';

const COLUMNS = [
  { key: 'computed', name: 'Computed here', what: 'Rounds this device has finished training and stored.' },
  { key: 'sent', name: 'Sent', what: 'Signed statements of those rounds, published to the swarm.' },
  {
    key: 'accepted',
    name: 'Accepted',
    what: 'Statements that at least one other device has checked: the signatures, and that the answers are there.',
  },
  { key: 'onChain', name: 'On chain', what: 'Statements that stand in a block of the network’s chain.' },
] as const;

const SHOWN_ROUNDS = 4;

const TEST_ID = {
  computed: 'ledger-computed',
  sent: 'ledger-sent',
  accepted: 'ledger-accepted',
  onChain: 'ledger-onchain',
} as const;

/** Four separate counts. Each says how many rounds have come that far, so they are never added up. */
export function Ledger() {
  const totals = useView((view) => view.totals);
  return (
    <Section
      title="Your work"
      about="One statement per round. Four separate counts, because each says something else."
    >
      <dl className="grid grid-cols-2 gap-x-6 gap-y-6 lg:grid-cols-4">
        {COLUMNS.map((column) => (
          <div key={column.key} className="flex flex-col">
            <dt className="order-2 mt-1 text-body font-medium">{column.name}</dt>
            <dd className="figure order-1 text-figure font-semibold" data-testid={TEST_ID[column.key]}>
              {formatCount(totals[column.key])}
            </dd>
            <dd className="order-3 text-note text-quiet">{column.what}</dd>
          </div>
        ))}
      </dl>
      <LatestRounds />
    </Section>
  );
}

function LatestRounds() {
  const history = useView((view) => view.history);
  if (history.length === 0) {
    return (
      <div className="mt-5">
        <Empty>
          No round yet. The first one counts a few seconds after you begin; each later round adds one line
          here.
        </Empty>
      </div>
    );
  }
  return (
    <div className="mt-6 overflow-x-auto">
      <table className="w-full text-left text-note" data-testid="rounds">
        <caption className="sr-only">Your latest rounds</caption>
        <thead className="text-quiet">
          <tr className="border-b border-line">
            <Head>Round</Head>
            <Head wide>Weights after it</Head>
            <Head>Sent</Head>
            <Head>Accepted by</Head>
            <Head>Block</Head>
            <Head wide>Gas</Head>
            <Head wide>Transaction</Head>
          </tr>
        </thead>
        <tbody>
          {history
            .slice(-SHOWN_ROUNDS)
            .reverse()
            .map((record) => (
              <tr
                key={record.round}
                className="border-b border-line last:border-0"
                data-testid={`round-${record.round}`}
              >
                <Cell>{record.round}</Cell>
                <Cell wide>
                  <HexText value={record.checkpointRoot} />
                </Cell>
                <Cell>{record.sent ? 'yes' : 'not yet'}</Cell>
                <Cell>{record.acceptedBy === 0 ? 'nobody yet' : formatCount(record.acceptedBy)}</Cell>
                <Cell>{record.chain === undefined ? 'not yet' : formatCount(record.chain.block)}</Cell>
                <Cell wide>{record.chain === undefined ? '' : formatCount(record.chain.gas)}</Cell>
                <Cell wide>
                  {record.chain === undefined ? '' : <Transaction hash={record.chain.transaction} />}
                </Cell>
              </tr>
            ))}
        </tbody>
      </table>
      <p className="mt-3 text-note text-quiet">
        Weights after it: the Merkle root of your model’s weights, so that anyone can check a copy. Gas: this
        statement’s share of what the transaction cost; the network’s submitter paid it, not you. Accepted by:
        owners and devices with a record, and all new devices together as one, because anybody can make many.
      </p>
    </div>
  );
}
