/**
 * npm run experiment -- swarm [--rounds N] [--runs N] [--redraw]: compares four peers that share rollouts
 * with the same four peers alone, on the same compute. Writes docs/results/swarm.{json,svg,md}, whatever the
 * outcome. With --redraw it makes chart and table again from the last readings.
 */
import { fork } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { MODEL_FILES, type ModelFiles, readModel } from '../nano-files.ts';
import { ARM_SETTINGS, type ArmName, PEERS, type Reading, runArm } from './arms.ts';
import { type Curve, drawCurves } from './chart.ts';

const MODEL = new URL('../../public/models/nano/', import.meta.url);
const RESULTS = new URL('../../docs/results/', import.meta.url);
const MEASURE_EVERY = 10;
const ARMS: readonly ArmName[] = ['swarm', 'alone'];
const COLOURS: Readonly<Record<ArmName, string>> = { swarm: '#2f7d5b', alone: '#c2703d' };

interface RunReading extends Reading {
  readonly arm: ArmName;
  readonly run: number;
}

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`--${name} must be a whole number above 0.`);
  return value;
}

const rounds = Math.ceil(option('rounds', 150) / MEASURE_EVERY) * MEASURE_EVERY;
const runs = option('runs', 1);

async function readNano(): Promise<ModelFiles> {
  const entries = await Promise.all(
    MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, MODEL)))] as const),
  );
  return Object.fromEntries(entries) as ModelFiles;
}

/** Runs one arm in this child process and sends its readings to the parent. */
async function child(arm: ArmName): Promise<void> {
  const engine = await createWasmEngine();
  const model = readModel(await readNano());
  for (let run = 0; run < runs; run++) {
    await runArm({
      arm,
      engine,
      model,
      seed: `starling swarm experiment, run ${run}`,
      rounds,
      measureEvery: MEASURE_EVERY,
      onReading: (reading) => process.send?.({ ...reading, arm, run } satisfies RunReading),
    });
  }
  await engine.stop();
  process.disconnect?.();
}

/** Starts one arm in its own process, so that both cores work. */
function startArm(arm: ArmName): Promise<readonly RunReading[]> {
  return new Promise((resolve, reject) => {
    const readings: RunReading[] = [];
    const process_ = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--arm', arm]);
    process_.on('message', (message) => {
      const reading = message as RunReading;
      readings.push(reading);
      const { run, round, peer, metrics, meanReward } = reading;
      if (peer === 0) {
        console.log(
          `${arm} run ${run} round ${round}: held-out ${(metrics.answering * 100).toFixed(1)} %, reward ${meanReward.toFixed(3)}`,
        );
      }
    });
    process_.on('error', reject);
    process_.on('exit', (code) => {
      if (code === 0) resolve(readings);
      else reject(new Error(`The arm "${arm}" ended with exit code ${code}.`));
    });
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function curveOf(arm: ArmName, readings: readonly RunReading[]): Curve {
  const points = [];
  for (let round = 0; round <= rounds; round += MEASURE_EVERY) {
    const values = readings
      .filter((reading) => reading.arm === arm && reading.round === round)
      .map(({ metrics }) => metrics.answering);
    points.push({ x: round, mean: mean(values), low: Math.min(...values), high: Math.max(...values) });
  }
  return { label: arm, colour: COLOURS[arm], points };
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function table(readings: readonly RunReading[]): string {
  const of = (arm: ArmName, round: number) =>
    readings.filter((reading) => reading.arm === arm && reading.round === round);
  const rows: readonly (readonly [string, (reading: RunReading) => number])[] = [
    ['held-out answers right, sampled', ({ metrics }) => metrics.answering],
    ['- sums', ({ metrics }) => metrics.answeringByTask.sums ?? 0],
    ['- sorting', ({ metrics }) => metrics.answeringByTask.sorting ?? 0],
    ['- gcd', ({ metrics }) => metrics.answeringByTask.gcd ?? 0],
    ['- reversing', ({ metrics }) => metrics.answeringByTask.reversing ?? 0],
    ['held-out questions right, most likely answer', ({ greedy }) => greedy],
    ['held-out verdicts right', ({ metrics }) => metrics.judging],
    ['held-out corrections right', ({ metrics }) => metrics.correcting],
    [`score per answer in training, last ${MEASURE_EVERY} rounds`, ({ meanReward }) => meanReward],
  ];
  const cell = (arm: ArmName, round: number, value: (reading: RunReading) => number) =>
    percent(mean(of(arm, round).map(value)));
  const lines = rows.map(([label, value]) => {
    const start = label.startsWith('score') ? '' : cell('alone', 0, value);
    return `| ${label} | ${start} | ${cell('alone', rounds, value)} | ${cell('swarm', rounds, value)} |`;
  });
  const samples = (arm: ArmName) =>
    mean(readings.filter((reading) => reading.arm === arm && reading.round > 0).map((r) => r.trainedSamples));
  lines.push(
    `| samples trained on, per round |  | ${samples('alone').toFixed(1)} | ${samples('swarm').toFixed(1)} |`,
  );
  return [
    `| mean of ${PEERS.length * runs} peers | at the start | alone, ${rounds} rounds | swarm, ${rounds} rounds |`,
    '| --- | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

function summary(curves: readonly Curve[]): string {
  const [swarm, alone] = curves.map((curve) => curve.points.at(-1)?.mean ?? 0);
  const difference = ((swarm ?? 0) - (alone ?? 0)) * 100;
  const distance = `${Math.abs(difference).toFixed(1)} points ${difference > 0 ? 'ahead of' : 'behind'}`;
  const verdict = Math.abs(difference) < 0.05 ? 'level with' : distance;
  return `After ${rounds} rounds the swarm is ${verdict} the same peers alone.`;
}

/** The readings of the last whole run. Throws RangeError unless it had the requested rounds and runs. */
async function lastReadings(): Promise<readonly RunReading[]> {
  const last = JSON.parse(await readFile(new URL('swarm.json', RESULTS), 'utf8')) as {
    readonly rounds: number;
    readonly runs: number;
    readonly readings: readonly RunReading[];
  };
  if (last.rounds !== rounds || last.runs !== runs) {
    throw new RangeError(`The last run had --rounds ${last.rounds} --runs ${last.runs}: give the same.`);
  }
  return last.readings;
}

async function main(): Promise<void> {
  const begun = performance.now();
  const readings = process.argv.includes('--redraw')
    ? await lastReadings()
    : (await Promise.all(ARMS.map(startArm))).flat();
  const minutes = (performance.now() - begun) / 60_000;
  const curves = ARMS.map((arm) => curveOf(arm, readings));
  await mkdir(RESULTS, { recursive: true });
  const title = 'Held-out accuracy: four peers sharing rollouts, and alone';
  await writeFile(new URL('swarm.svg', RESULTS), drawCurves({ title, xLabel: 'rounds', curves }));
  await writeFile(
    new URL('swarm.json', RESULTS),
    `${JSON.stringify({ rounds, runs, settings: ARM_SETTINGS, readings }, null, 1)}\n`,
  );
  const numbers = [
    '<!-- numbers: written by npm run experiment -- swarm -->',
    '',
    summary(curves),
    '',
    table(readings),
    '',
    `![${title}](swarm.svg)`,
    '',
    'Lines are means over the peers of all runs; bands reach from the lowest to the highest peer.',
    '',
    '<!-- end of numbers -->',
  ].join('\n');
  const page = new URL('swarm.md', RESULTS);
  const old = await readFile(page, 'utf8').catch(() => '# Learning in a swarm and alone\n\n');
  const [before = '', rest] = old.split('<!-- numbers:');
  const after = rest?.split('<!-- end of numbers -->')[1] ?? '\n';
  await writeFile(page, before + numbers + after);
  console.log(`${summary(curves)} ${minutes.toFixed(1)} minutes.\n\n${table(readings)}`);
}

const armAt = process.argv.indexOf('--arm');
const arm = ARMS.find((name) => armAt >= 0 && name === process.argv[armAt + 1]);
if (arm === undefined) await main();
else await child(arm);
