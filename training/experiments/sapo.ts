/**
 * npm run experiment -- sapo [--quick] [--json] [--report] [--arms A,B,C] [--seeds N] [--rounds N]: what
 * sharing rollouts gains where success is rare. Writes docs/results/sapo.{md,svg} and sapo-gain.svg.
 * `--quick` takes arms A, B and C, one fresh seed and 10 rounds. Only runs of 30 rounds are written.
 * Finished parts are kept in .starling/experiments, so that a killed run goes on. `--report` computes nothing
 * and writes the page from the finished parts.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { must } from '../../protocol/must.ts';
import { shortFormat } from '../short-format.ts';
import { type AskedModel, type LearningResult, runLearning } from './learning-run.ts';
import { readTaught } from './read-nano.ts';
import { writeNumbers, writeResult } from './result-page.ts';
import {
  SAPO_ARM_NAMES,
  SAPO_ARMS,
  type SapoArm,
  type SapoArmName,
  type Tuning,
  tunedAs,
  tunedSettings,
} from './sapo-arms.ts';
import { type ArmFigures, figuresText, gainOf, gainPicture, picture } from './sapo-results.ts';
import { storedBase } from './stored-base.ts';
import { StoredParts, storedSettings } from './stored-parts.ts';

const COMMAND = 'npm run experiment -- sapo';
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    arms: { type: 'string' },
    seeds: { type: 'string' },
    rounds: { type: 'string' },
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

function countOf(name: 'seeds' | 'rounds', fallback: number, most: number): number {
  const count = Number(values[name] ?? fallback);
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new RangeError(`--${name} must be 1 to ${most}.`);
  }
  return count;
}

const ROUNDS = 30;
const rounds = countOf('rounds', values.quick ? 10 : ROUNDS, 1000);
/** Longer runs take what was chosen for the usual length. */
const tuningRounds = Math.min(rounds, ROUNDS);
const arms = chosenArms();
const seeds = countOf('seeds', values.quick ? 1 : 5, 10);
const MEASURED_PEERS = 1;
/** The name of a seed's run. Each has a start model of its own. */
const runOf = (seed: number) => `rare ${seed}`;
/** Learning rates and steps are chosen on this seed, which is then left out. */
const TUNING_SEED = 0;

const parts = new StoredParts(fileURLToPath(new URL('../../.starling/experiments/', import.meta.url)));
const say = (line: string) => {
  if (!values.json) console.log(line);
};

/** The start model of an arm in a run. */
async function startOf(engine: Engine, { start }: SapoArm, run: string): Promise<AskedModel> {
  if (start.kind !== 'level') return await readTaught(start.kind);
  const { config, parameters, tokenizer } = await storedBase(parts, { engine, run, level: start.level });
  return { config, parameters, format: shortFormat(tokenizer) };
}

interface PartOptions {
  readonly name: SapoArmName;
  readonly run: string;
  readonly tuning: Tuning;
  readonly rounds: number;
  /** Whether held-out skill is measured too. */
  readonly skill: boolean;
}

/** Undefined when the part is not finished and `--report` computes nothing. */
async function measureArm(engine: Engine, options: PartOptions): Promise<LearningResult | undefined> {
  const { name, run, tuning } = options;
  const arm: SapoArm = SAPO_ARMS[name];
  const settings = tunedSettings(arm, tuning);
  const length = arm.rounds ?? options.rounds;
  const measureAt = options.skill ? [0, length] : [];
  const key = {
    arm: { ...arm, settings: storedSettings(settings), description: '', tunings: [] },
    rounds: length,
    measureAt,
  };
  const tuned = `${tuning.learningRate} ${tuning.steps}`;
  const part = `sapo ${name} ${run} ${tuned} ${length} ${measureAt.length}`;
  if (values.report) return await parts.known<LearningResult>(part, key);
  return await parts.part(part, key, async () => {
    const model = await startOf(engine, arm, run);
    const { peers, shared, chanceRewards, rule } = arm;
    const result = await runLearning({
      ...{ engine, model, peers, shared, settings, run, rounds: length, rule, measureAt },
      measuredPeers: MEASURED_PEERS,
      chanceRewards: chanceRewards ?? false,
    });
    say(`${name}, ${run}, rate and steps ${tuned}: reward ${(100 * result.reward).toFixed(2)} %`);
    return result;
  });
}

/** The rate and steps with the most reward on the tuning seed. */
async function tune(engine: Engine, arm: SapoArmName): Promise<Tuning> {
  const name = tunedAs(arm);
  const { tunings }: SapoArm = SAPO_ARMS[name];
  let best = { tuning: must(tunings, 0), reward: Number.NEGATIVE_INFINITY };
  if (tunings.length === 1) return best.tuning;
  for (const tuning of tunings) {
    const tried = await measureArm(engine, {
      name,
      run: runOf(TUNING_SEED),
      tuning,
      rounds: tuningRounds,
      skill: false,
    });
    if (tried !== undefined && tried.reward > best.reward) best = { tuning, reward: tried.reward };
  }
  return best.tuning;
}

const engine = await createWasmEngine({ threads: 1 });
const chosen = new Map<SapoArmName, Tuning>();
for (const arm of arms) chosen.set(arm, await tune(engine, arm));
const tuningOf = (arm: SapoArmName) => chosen.get(arm) ?? must(SAPO_ARMS[arm].tunings, 0);
const runsOf = new Map(arms.map((arm): [SapoArmName, LearningResult[]] => [arm, []]));
for (let seed = 1; seed <= seeds; seed++) {
  for (const name of arms) {
    const result = await measureArm(engine, {
      name,
      run: runOf(seed),
      tuning: tuningOf(name),
      rounds,
      skill: true,
    });
    if (result !== undefined) runsOf.get(name)?.push(result);
  }
}
await engine.stop();

const figures = arms.map((arm): ArmFigures => ({ arm, tuning: tuningOf(arm), runs: runsOf.get(arm) ?? [] }));
if (rounds === ROUNDS) {
  await writeResult('sapo.svg', picture(figures));
  const pictures = ['![Reward of each arm](sapo.svg)'];
  const gains = gainPicture(figures);
  if (gains !== undefined) {
    await writeResult('sapo-gain.svg', gains);
    pictures.push('![Gain over start accuracy](sapo-gain.svg)');
  }
  const numbers = [figuresText(figures, rounds), ...pictures].join('\n\n');
  await writeNumbers('sapo.md', 'What sharing rollouts gains', COMMAND, numbers);
}
say(`\n${figuresText(figures, rounds)}\n`);
console.log(
  JSON.stringify({
    arms: figures.map(({ arm, tuning, runs }) => ({
      arm,
      ...tuning,
      rewards: runs.map(({ reward }) => reward),
      end: runs.map(({ skill }) => skill[skill.length - 1]),
    })),
    gain: gainOf(figures, 'C', 'A')?.mean,
    gainOverMoreSamples: gainOf(figures, 'C', 'B')?.mean,
  }),
);
