/**
 * npm run experiment -- hostile [--quick] [--json] [--report] [--seeds N] [--hostile 5,3,1] [--attacks A,B]
 * [--rules samples,authors,likely]: what 10, 30 and 50 % hostile members cost the honest ones, before and
 * after each of the two rules against them (docs/decisions/0038-turns-by-account.md, 0041-likely-samples.md).
 * `--quick` takes one seed, 4 rounds and half hostile. Finished parts are kept in .starling/experiments, so
 * that a killed run goes on. `--report` computes nothing, and writes docs/results/poison.md from the finished
 * ones of the parts that it was asked for. The last line is JSON.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../learning-settings.ts';
import { shortFormat } from '../short-format.ts';
import { mean } from './held-out-skill.ts';
import { ATTACKS, type Attack } from './hostile-answers.ts';
import { HOSTILE_RULES, type HostilePart, hostileTable } from './hostile-results.ts';
import { type HostileRunResult, runHostile } from './hostile-run.ts';
import { writeNumbers } from './result-page.ts';
import { SAPO_ARMS, tunedSettings } from './sapo-arms.ts';
import { storedBase } from './stored-base.ts';
import { StoredParts } from './stored-parts.ts';

const ATTACK_NAMES = Object.keys(ATTACKS) as Attack[];
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    attacks: { type: 'string', default: ATTACK_NAMES.join(',') },
    hostile: { type: 'string' },
    rules: { type: 'string', default: HOSTILE_RULES.join(',') },
  },
});
const MEMBERS = 10;
/** The start models of docs/results/sapo.md: success is rare, so that others' answers are worth most. */
const LEVEL = 0.01;
const rounds = values.quick ? 4 : 20;
const seeds = Number(values.seeds ?? (values.quick ? 1 : 3));
const hostileCounts = (values.hostile ?? (values.quick ? '5' : '5,3,1')).split(',').map(Number);
const attacks = values.attacks.split(',').map((name) => {
  const attack = ATTACK_NAMES.find((each) => each === name);
  if (attack === undefined) throw new RangeError(`--attacks takes ${ATTACK_NAMES.join(', ')}, not ${name}.`);
  return attack;
});
const rules = values.rules.split(',').map((name) => {
  const rule = HOSTILE_RULES.find((each) => each === name);
  if (rule === undefined) throw new RangeError(`--rules takes ${HOSTILE_RULES.join(', ')}, not ${name}.`);
  return rule;
});
if (!Number.isInteger(seeds) || seeds < 1 || seeds > 5) throw new RangeError('--seeds must be 1 to 5.');
if (!hostileCounts.every((count) => Number.isInteger(count) && count >= 1 && count < MEMBERS))
  throw new RangeError(`--hostile takes numbers from 1 to ${MEMBERS - 1}.`);

const stored = new StoredParts(fileURLToPath(new URL('../../.starling/experiments/', import.meta.url)));
const engine = await createWasmEngine({ threads: 1 });
const parts: HostilePart[] = [];
const wanted = [
  { hostile: 0, honest: MEMBERS, attack: 'none' as const },
  ...hostileCounts.flatMap((hostile) => [
    { hostile: 0, honest: MEMBERS - hostile, attack: 'none' as const },
    ...attacks.map((attack) => ({ hostile, honest: MEMBERS - hostile, attack })),
  ]),
];
for (const part of wanted)
  for (const rule of rules)
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await play({ ...part, rule, seed });
      if (result !== undefined) parts.push({ ...part, rule, seed, result });
    }
await engine.stop();

async function play(part: Omit<HostilePart, 'result'>): Promise<HostileRunResult | undefined> {
  const { seed, rule, hostile, honest, attack } = part;
  const run = `rare ${seed}`;
  // As docs/results/sapo.md chose them for a swarm.
  const { foreignFloor, ...tuned } = tunedSettings(SAPO_ARMS.C, { learningRate: 1e-3, steps: 4 });
  const drawn = { ...tuned, foreignDraw: rule === 'samples' ? ('samples' as const) : ('authors' as const) };
  const settings: LearningSettings = {
    ...drawn,
    foreignFloor: rule === 'likely' ? DEFAULT_SETTINGS.foreignFloor : foreignFloor,
  };
  // Parts of before there was a floor are still found.
  const key = {
    ...{ settings: settings.foreignFloor === 'none' ? drawn : settings },
    ...{ rounds, hostile, honest, name: attack },
  };
  const name = `hostile ${run} ${rounds} ${rule} ${hostile} of ${hostile + honest} ${attack}`;
  if (values.report) return await stored.known<HostileRunResult>(name, key);
  const result = await stored.part(name, key, async () => {
    const { config, parameters, tokenizer } = await storedBase(stored, { engine, run, level: LEVEL });
    const model = { config, parameters, format: shortFormat(tokenizer) };
    const played = attack === 'none' ? 'wrong' : attack;
    return await runHostile({
      ...{ engine, model, honest, hostile, attack: played, settings, run, rounds, measured: 2 },
    });
  });
  if (!values.json) console.log(`${name}: sampled ${(100 * result.skill.sampled).toFixed(1)} %`);
  return result;
}

const table = hostileTable(parts);
if (values.report)
  await writeNumbers('poison.md', 'Learning from strangers who lie', 'npm run experiment -- hostile', table);
if (!values.json) console.log(`\n${table}\n`);
console.log(
  JSON.stringify({
    rounds,
    parts: parts.map(({ result, ...part }) => ({
      ...part,
      sampled: result.skill.sampled,
      greedy: result.skill.greedy,
      reward: mean(result.rewardOfRounds),
    })),
  }),
);
