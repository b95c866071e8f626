/**
 * npm run experiment -- sapo [--quick] [--json] [--report] [--arms A,B,C] [--seeds N]: what sharing rollouts
 * gains where success is rare. Writes docs/results/sapo.{md,svg}. `--quick` takes arms A, B and C, one fresh
 * seed and 20 rounds, and writes nothing. Finished parts are kept in .starling/experiments, so that a killed
 * run goes on. `--report` computes nothing and writes the page from the finished parts.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { must } from '../../protocol/must.ts';
import type { LoadedModel } from '../nano-files.ts';
import { type LearningResult, runLearning } from './learning-run.ts';
import { readNano } from './read-nano.ts';
import { writeNumbers, writeResult } from './result-page.ts';
import { SAPO_ARM_NAMES, SAPO_ARMS, type SapoArm, type SapoArmName, tunedAs } from './sapo-arms.ts';
import { BASE_STEPS, nanoShaped, pretrainBase } from './sapo-base.ts';
import { type ArmFigures, figuresText, gainOf, picture } from './sapo-results.ts';
import { StoredParts } from './stored-parts.ts';

const COMMAND = 'npm run experiment -- sapo';
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    arms: { type: 'string' },
    seeds: { type: 'string' },
  },
});

function chosenArms(): readonly SapoArmName[] {
  const names = (values.arms ?? (values.quick ? 'A,B,C' : SAPO_ARM_NAMES.join(','))).split(',');
  return names.map((name) => {
    const arm = SAPO_ARM_NAMES.find((candidate) => candidate === name);
    if (arm === undefined) throw new RangeError(`--arms takes ${SAPO_ARM_NAMES.join(', ')}, not ${name}.`);
    return arm;
  });
}

function seedCount(): number {
  const count = Number(values.seeds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(count) || count < 1 || count > 10) {
    throw new RangeError('--seeds must be 1 to 10.');
  }
  return count;
}

const rounds = values.quick ? 20 : 60;
const arms = chosenArms();
const seeds = seedCount();
const measureAt = values.quick ? [0, rounds] : [0, 30, rounds];
const MEASURED_PEERS = 2;
/** Learning rates are chosen on this run, which is then left out. */
const TUNING = 'sapo 0';

const parts = new StoredParts(fileURLToPath(new URL('../../.starling/experiments/', import.meta.url)));
const say = (line: string) => {
  if (!values.json) console.log(line);
};

/** The start model of an arm in a run. */
async function startOf(engine: Engine, { start }: SapoArm, run: string): Promise<LoadedModel> {
  if (start === 'nano') return readNano();
  const stored = await parts.part(`base ${run}`, { steps: BASE_STEPS }, async () => {
    const tensors = await pretrainBase(engine, run);
    return [...tensors].map(([name, data]): [string, string] => [name, base64Of(data)]);
  });
  return nanoShaped(new Map(stored.map(([name, text]) => [name, floatsOf(text)])));
}

function base64Of({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function floatsOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

interface PartOptions {
  readonly name: SapoArmName;
  readonly run: string;
  readonly learningRate: number;
  readonly measureAt: readonly number[];
}

/** Undefined when the part is not finished and `--report` computes nothing. */
async function measureArm(engine: Engine, options: PartOptions): Promise<LearningResult | undefined> {
  const { name, run, learningRate } = options;
  const arm: SapoArm = SAPO_ARMS[name];
  const settings = { ...arm.settings, learningRate };
  const key = { arm: { ...arm, description: '', rates: [] }, learningRate, rounds, at: options.measureAt };
  const part = `sapo ${name} ${run} ${learningRate} ${rounds} ${options.measureAt.length}`;
  if (values.report) return await parts.known<LearningResult>(part, key);
  return await parts.part(part, key, async () => {
    const model = await startOf(engine, arm, run);
    const { peers, shared, chanceRewards } = arm;
    const result = await runLearning({
      ...{ engine, model, peers, shared, settings, run, rounds },
      measureAt: options.measureAt,
      measuredPeers: MEASURED_PEERS,
      chanceRewards: chanceRewards ?? false,
    });
    say(`${name}, ${run}, rate ${learningRate}: reward ${(100 * result.reward).toFixed(2)} %`);
    return result;
  });
}

/** The learning rate with the most reward on the tuning run. */
async function tune(engine: Engine, arm: SapoArmName): Promise<number> {
  const name = tunedAs(arm);
  const { rates }: SapoArm = SAPO_ARMS[name];
  let best = { rate: must(rates, 0), reward: Number.NEGATIVE_INFINITY };
  if (rates.length === 1) return best.rate;
  for (const rate of rates) {
    const tried = await measureArm(engine, { name, run: TUNING, learningRate: rate, measureAt: [] });
    if (tried !== undefined && tried.reward > best.reward) best = { rate, reward: tried.reward };
  }
  return best.rate;
}

const engine = await createWasmEngine({ threads: 1 });
const rates = new Map<SapoArmName, number>();
for (const arm of arms) rates.set(arm, await tune(engine, arm));
const runsOf = new Map(arms.map((arm): [SapoArmName, LearningResult[]] => [arm, []]));
for (let seed = 1; seed <= seeds; seed++) {
  for (const name of arms) {
    const learningRate = rates.get(name) ?? 0;
    const result = await measureArm(engine, { name, run: `sapo ${seed}`, learningRate, measureAt });
    if (result !== undefined) runsOf.get(name)?.push(result);
  }
}
await engine.stop();

const figures = arms.map(
  (arm): ArmFigures => ({ arm, learningRate: rates.get(arm) ?? 0, runs: runsOf.get(arm) ?? [] }),
);
if (!values.quick) {
  await writeResult('sapo.svg', picture(figures));
  const numbers = `${figuresText(figures, rounds)}\n\n![Held-out accuracy of each arm](sapo.svg)`;
  await writeNumbers('sapo.md', 'What sharing rollouts gains', COMMAND, numbers);
}
say(`\n${figuresText(figures, rounds)}\n`);
console.log(
  JSON.stringify({
    arms: figures.map(({ arm, learningRate, runs }) => ({
      arm,
      learningRate,
      rewards: runs.map(({ reward }) => reward),
      end: runs.map(({ skill }) => skill[skill.length - 1]),
    })),
    gain: gainOf(figures, 'C', 'A')?.mean,
    gainOverMoreSamples: gainOf(figures, 'C', 'B')?.mean,
  }),
);
