/**
 * npm run experiment -- swarm8 [--rounds N]: eight of the product's trainers with the default swarm's
 * settings, from a start at which success is rare, against the same members alone. Every stage is run, and
 * what a member publishes reaches the others as it is; the network between them is not part of it. Finished
 * parts are kept in .starling/experiments.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../learning-settings.ts';
import { mean } from './held-out-skill.ts';
import { SAPO_ARMS } from './sapo-arms.ts';
import { TRAINED } from './sapo-base.ts';
import { storedBase } from './stored-base.ts';
import { StoredParts, storedSettings } from './stored-parts.ts';
import { runTrainers, type TrainerRunResult } from './trainer-run.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { rounds: { type: 'string', default: '60' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000) {
  throw new RangeError('--rounds must be 1 to 1000.');
}

/** A seed that the experiment "sapo" does not use. */
const RUN = 'rare 6';
const MEMBERS = 8;

const { start } = SAPO_ARMS.C;
const level = start.kind === 'level' ? start.level : 0;
/**
 * The default swarm on the tasks that the start model rarely solves, at the rate that the experiment chose
 * for a swarm. Few questions are held out, since the rewards are what is compared.
 */
const settings: LearningSettings = {
  ...DEFAULT_SETTINGS,
  tasks: TRAINED,
  learningRate: 1e-3,
  heldOutItems: 16,
  foreignDraw: 'samples',
  foreignFloor: 'none',
};

const parts = new StoredParts(fileURLToPath(new URL('../../.starling/experiments/', import.meta.url)));
const engine = await createWasmEngine({ threads: 1 });

async function play(shared: boolean): Promise<TrainerRunResult> {
  // Members alone do not meet, so that half of them tell as much.
  const members = shared ? MEMBERS : MEMBERS / 2;
  const name = `swarm8 ${shared ? 'together' : 'alone'} ${rounds}`;
  return await parts.part(name, { settings: storedSettings(settings), level, rounds, members }, async () => {
    const model = await storedBase(parts, { engine, run: RUN, level });
    return await runTrainers({ engine, model, members, shared, settings, run: RUN, rounds });
  });
}

const [alone, together] = [await play(false), await play(true)];
await engine.stop();
const rewardUntil = (result: TrainerRunResult, round: number) => mean(result.rewardOfRounds.slice(0, round));
const gains = [...new Set([Math.floor(rounds / 2), rounds])].map((round) => ({
  rounds: round,
  alone: rewardUntil(alone, round),
  together: rewardUntil(together, round),
  gain: rewardUntil(together, round) / rewardUntil(alone, round),
}));
if (!values.json) {
  for (const { rounds: round, ...of } of gains) {
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    console.log(
      `${round} rounds: alone ${percent(of.alone)}, together ${percent(of.together)}, ratio ${of.gain.toFixed(2)}`,
    );
  }
}
console.log(JSON.stringify({ gains }));
