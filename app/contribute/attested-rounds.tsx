import { formatCount } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import { Cell, Head, Transaction } from './statement-table.tsx';

const SHOWN_ROUNDS = 4;

/** The latest rounds for which this device attested what the model in blocks was. */
export function AttestedRounds() {
  const attested = useView((view) => view.attested);
  const missed = useView((view) => view.notAttested);
  return (
    <div className="mt-6">
      <h3 className="text-body font-semibold">Your part, on the record</h3>
      <p className="mt-1 max-w-prose text-note text-quiet">
        Once a round this device signs the root of the whole model after a step that it computed with the
        others. The statement goes into a block of the network’s chain. Nothing is paid for it.
      </p>
      {missed === null ? null : (
        <p className="mt-2 max-w-prose text-note text-warn" data-testid="attested-missed">
          Round {missed.round} has no statement of this device: {missed.cause}
        </p>
      )}
      {attested.length === 0 ? (
        <p className="mt-2 text-note text-quiet" data-testid="attested-none">
          The first statement comes with the first step of the next round.
        </p>
      ) : (
        <div className="mt-2 overflow-x-auto">
          <table className="w-full text-left text-note" data-testid="attested">
            <caption className="sr-only">Rounds attested by this device</caption>
            <thead className="text-quiet">
              <tr className="border-b border-line">
                <Head>Round</Head>
                <Head>After step</Head>
                <Head wide>Root of the model</Head>
                <Head>Accepted by</Head>
                <Head>Block</Head>
                <Head wide>Transaction</Head>
              </tr>
            </thead>
            <tbody>
              {attested
                .slice(-SHOWN_ROUNDS)
                .reverse()
                .map(({ round, step, root, acceptedBy, chain }) => (
                  <tr
                    key={round}
                    className="border-b border-line last:border-0"
                    data-testid="attested-round"
                    data-round={round}
                    data-onchain={chain !== undefined}
                  >
                    <Cell>{round}</Cell>
                    <Cell>{step}</Cell>
                    <Cell wide>
                      <HexText value={root} />
                    </Cell>
                    <Cell>{acceptedBy === 0 ? 'nobody yet' : formatCount(acceptedBy)}</Cell>
                    <Cell>{chain === undefined ? 'not yet' : formatCount(chain.block)}</Cell>
                    <Cell wide>{chain === undefined ? '' : <Transaction hash={chain.transaction} />}</Cell>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
