/**
 * npm run experiment -- poison [--quick] [--json] [--runs N]: trains a device whose only teachers are eight
 * Sybils, for each attack, and writes docs/results/poison.md. `--quick` takes 20 rounds and writes nothing.
 * Finished arms are kept in .starling/experiments, so that a killed run goes on.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { must } from '../../protocol/must.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../learning-settings.ts';
import { POISON_ARMS, type PoisonArm, type PoisonReading, runPoisonArm } from './poison-arms.ts';
import { readNano } from './read-nano.ts';
import { writeNumbers } from './result-page.ts';
import { StoredParts, storedSettings } from './stored-parts.ts';

const COMMAND = 'npm run experiment -- poison';
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    runs: { type: 'string' },
  },
});
const rounds = values.quick ? 20 : 160;
const readEvery = values.quick ? 20 : 40;
const runCount = Number(values.runs ?? (values.quick ? 1 : 3));
if (!Number.isInteger(runCount) || runCount < 1)
  throw new RangeError('--runs must be a whole number above 0.');
const runs = Array.from({ length: runCount }, (_, run) => `poison ${run}`);
const arms = Object.keys(POISON_ARMS) as PoisonArm[];

interface ArmResult {
  readonly arm: PoisonArm;
  /** The readings of each run. */
  readonly runs: readonly (readonly PoisonReading[])[];
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const percent = (value: number) => (100 * value).toFixed(1);
const lastOf = ({ runs: all }: ArmResult) => all.map((readings) => must(readings, readings.length - 1));

async function measure(): Promise<readonly ArmResult[]> {
  const engine = await createWasmEngine({ threads: 1 });
  const model = await readNano();
  const parts = new StoredParts(fileURLToPath(new URL('../../.starling/experiments/', import.meta.url)));
  // As the committed results were made: a smaller pool, one step a round, foreign samples drawn evenly.
  const settings: LearningSettings = {
    ...DEFAULT_SETTINGS,
    itemsPerRound: 32,
    stepsPerRound: 1,
    fullBatch: 64,
    foreignDraw: 'samples',
    foreignFloor: 'none',
  };
  const results = new Map(arms.map((arm): [PoisonArm, (readonly PoisonReading[])[]] => [arm, []]));
  for (const run of runs) {
    for (const arm of arms) {
      const readings = await parts.part(
        `${run} ${rounds} ${arm}`,
        { settings: storedSettings(settings), rounds, readEvery },
        () => runPoisonArm({ arm, engine, model, settings, run, rounds, readEvery }),
      );
      results.get(arm)?.push(readings);
      const last = must(readings, readings.length - 1);
      if (!values.json) {
        console.log(`${run}, ${arm}: greedy ${percent(last.greedy)} %, sampled ${percent(last.sampled)} %`);
      }
    }
  }
  await engine.stop();
  return [...results].map(([arm, all]) => ({ arm, runs: all }));
}

function table(results: readonly ArmResult[]): string {
  const greedyOf = (result: ArmResult) => mean(lastOf(result).map(({ greedy }) => greedy));
  const alone = greedyOf(must(results, 0));
  const start = must(must(results, 0).runs, 0)[0];
  const lines = results.map((result) => {
    const last = lastOf(result);
    const cells = [
      result.arm,
      POISON_ARMS[result.arm],
      percent(greedyOf(result)),
      last.map(({ greedy }) => percent(greedy)).join(', '),
      result.arm === 'alone' ? '' : ((greedyOf(result) - alone) * 100).toFixed(1),
      percent(mean(last.map(({ sampled }) => sampled))),
      mean(last.map(({ trainedSamples }) => trainedSamples)).toFixed(0),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `Rounds: ${rounds}. Runs of each arm: ${runs.length}. Held-out questions: ${DEFAULT_SETTINGS.heldOutItems}. At the start: ` +
      `greedy ${percent(start?.greedy ?? 0)} %, sampled ${percent(start?.sampled ?? 0)} %.`,
    '',
    '| arm | what the Sybils publish | greedy, % | of each run | points from alone | sampled, % | samples trained a round, at the end |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

const results = await measure();
const summary = results.map((result) => ({
  arm: result.arm,
  greedy: lastOf(result).map(({ greedy }) => greedy),
  sampled: lastOf(result).map(({ sampled }) => sampled),
}));
const greedy = summary.map((arm) => mean(arm.greedy));
const worst = Math.min(...greedy.slice(1)) - must(greedy, 0);
if (!values.quick)
  await writeNumbers('poison.md', 'Learning from strangers who lie', COMMAND, table(results));
if (!values.json) console.log(`\n${table(results)}\n`);
console.log(JSON.stringify({ rounds, runs: runs.length, arms: summary, worstAgainstAlone: worst }));
