/**
 * `npm run simulate -- identities [--honest N] [--rounds R] [--json]`: what n keys of one person gain of
 * votes, critiques, teachers' places, checks, relays and gas, by the product's own rules. `--json` prints one
 * line for each way to come by keys and each number of them: { way, keys, honest, shares }. Without it the
 * tables of docs/results/identities.md are printed.
 */
import { runProcess } from '../home/command-line.ts';
import { GAINS, type Gain, KEY_COUNTS, type Shares, sharesOf } from './gains.ts';
import { WAYS, type Way } from './population.ts';
import { parseIdentitiesSettings, USAGE } from './settings.ts';

const TITLES: Readonly<Record<Way, string>> = {
  fresh: 'Fresh keys',
  known: 'Keys that attested for eight rounds',
  devices: 'Devices of one owner',
  owners: 'Owners with a device each',
};

await runProcess(async (signal) => {
  const settings = parseIdentitiesSettings(process.argv.slice(2));
  if (settings === undefined) {
    console.log(USAGE);
    return 0;
  }
  const { honest, rounds, json } = settings;
  for (const way of WAYS) {
    const columns: Shares[] = [];
    for (const keys of KEY_COUNTS) {
      signal.throwIfAborted();
      const shares = await sharesOf({ honest, keys, way, rounds });
      columns.push(shares);
      if (json) console.log(JSON.stringify({ way, keys, honest, shares: rounded(shares) }));
    }
    if (!json) console.log(`\n## ${TITLES[way]}\n\n${tableOf(columns)}`);
  }
  return 0;
});

function rounded(shares: Shares): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, Number(share.toFixed(4))]));
}

function tableOf(columns: readonly Shares[]): string {
  const names = Object.keys(GAINS) as Gain[];
  return [
    `| share of, in % | ${KEY_COUNTS.map((keys) => keys.toLocaleString('en')).join(' | ')} |`,
    `| --- |${KEY_COUNTS.map(() => ' ---: |').join('')}`,
    ...names.map(
      (name) =>
        `| ${GAINS[name]} | ${columns.map((shares) => (100 * shares[name]).toFixed(1)).join(' | ')} |`,
    ),
  ].join('\n');
}
