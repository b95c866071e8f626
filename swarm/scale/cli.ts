/**
 * `npm run simulate -- swarm [--peers N] [--json]`: what a round costs a member of a swarm, by the real round
 * and gossip code on simulated time. One line of JSON for each of 10, 100, 1,000 … members up to N: { peers,
 * messagesPerMember, bytesPerMember, cpuMsPerMember, delayMs }. `--json` prints these lines alone. `--keep`
 * also writes them into docs/results/scale.json and draws scale.svg anew.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { drawGrowth } from './draw-growth.ts';
import { type Measurement, type MeasureOptions, measure, type SizeFigures } from './measure.ts';
import { curvesOf, sizesTable, typesTable } from './results-text.ts';

const RESULTS = new URL('../../docs/results/', import.meta.url);
const MOST_PEERS = 20_000;
/** The real gossipsub takes too much memory beyond. */
const MOST_REAL = 500;
const MOST_ROUNDS = 50;

const USAGE = `Usage: npm run simulate -- swarm [--peers N | --sizes N,M,...] [--rounds R] [--warm-up W]
       [--gossip model|gossipsub] [--checks each|shared] [--cohorts on|off] [--keep before|after] [--json]
N is 2 to ${MOST_PEERS}, with gossipsub at most ${MOST_REAL}, and defaults to 100. R is 1 to ${MOST_ROUNDS} and defaults to 2.
W rounds before these are not counted; it defaults to 1.
gossip defaults to model. checks defaults to each up to 100 members, and beyond that to shared.
cohorts defaults to on; without them everybody hears everybody.`;

interface Settings extends Omit<MeasureOptions, 'peers' | 'checks'> {
  readonly sizes: readonly number[];
  readonly checks: MeasureOptions['checks'] | undefined;
}

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '100' },
    sizes: { type: 'string' },
    rounds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '1' },
    gossip: { type: 'string', default: 'model' },
    checks: { type: 'string' },
    cohorts: { type: 'string', default: 'on' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const settings = readSettings();
if (values.help) console.log(USAGE);
else if (settings === null || !(values.keep === undefined || isKept(values.keep))) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const measurements = await measureAll(settings);
  if (!values.json) console.log(`\n${sizesTable(measurements)}\n\n${typesTable(measurements)}`);
  if (values.keep !== undefined) await keep(values.keep, measurements);
}

function readSettings(): Settings | null {
  const { gossip, checks, cohorts } = values;
  const sizes = values.sizes?.split(',').map(Number) ?? sizesUpTo(Number(values.peers));
  const rounds = Number(values.rounds);
  const warmUp = Number(values['warm-up']);
  if (gossip !== 'model' && gossip !== 'gossipsub') return null;
  if (checks !== undefined && checks !== 'each' && checks !== 'shared') return null;
  if (cohorts !== 'on' && cohorts !== 'off') return null;
  if (!isWhole(rounds, 1, MOST_ROUNDS) || !isWhole(warmUp, 0, MOST_ROUNDS)) return null;
  if (!sizes.every((size) => isWhole(size, 2, gossip === 'model' ? MOST_PEERS : MOST_REAL))) return null;
  return { sizes, rounds, warmUp, gossip, checks, cohorts: cohorts === 'on' };
}

async function measureAll({ sizes, checks, ...options }: Settings): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const peers of sizes) {
    const measurement = await measure({
      ...options,
      peers,
      checks: checks ?? (peers <= 100 ? 'each' : 'shared'),
    });
    measurements.push(measurement);
    console.log(JSON.stringify(measurement.figures));
  }
  return measurements;
}

type Kept = Readonly<Record<'before' | 'after', readonly SizeFigures[]>>;

/** Sizes that were measured now take the place of those of earlier runs. */
async function keep(name: string, measurements: readonly Measurement[]): Promise<void> {
  const file = new URL('scale.json', RESULTS);
  const kept = JSON.parse(await readFile(file, 'utf8')) as Kept;
  const now = measurements.map(({ figures }) => figures);
  const merge = (lines: readonly SizeFigures[]): readonly SizeFigures[] =>
    [...lines.filter(({ peers }) => !now.some((one) => one.peers === peers)), ...now].sort(
      (a, b) => a.peers - b.peers,
    );
  const all: Kept = isKept(name) ? { ...kept, [name]: merge(kept[name]) } : kept;
  await writeFile(file, `${JSON.stringify(all, undefined, 1)}\n`);
  const curves = [
    ...curvesOf(all.before, { suffix: ', before', isDashed: true }),
    ...curvesOf(all.after, { suffix: '', isDashed: false }),
  ];
  const title = 'What a round costs a member, against a swarm of ten';
  await writeFile(new URL('scale.svg', RESULTS), drawGrowth(title, curves));
}

function isKept(name: string): name is keyof Kept {
  return name === 'before' || name === 'after';
}

/** 10, 100, 1,000 … below N, and N itself. */
function sizesUpTo(peers: number): readonly number[] {
  const smaller: number[] = [];
  for (let size = 10; size < peers; size *= 10) smaller.push(size);
  return [...smaller, peers];
}

function isWhole(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}
