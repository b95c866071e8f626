/**
 * npm run experiment -- blocks [--quick] [--json] [--report] [--write] [--size 1M|10M|tiny] [--arms A,B]
 * [--seeds N] [--steps N] [--rows N] [--length N] [--rate X] [--inner N] [--loss X] [--threads N]: what
 * skipping blocks, training in groups and repairing lost blocks do to learning, at equal tokens. `--quick` is
 * a model of 1 M parameters, one seed and few steps. Finished parts are kept in .starling/experiments, so
 * that a killed run goes on. `--report` computes nothing. `--write` puts the figures into
 * docs/results/blocks.md.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { ARMS, type Arm, type BlocksSettings, parameterCount, SIZES, type Size } from './blocks/arms.ts';
import { barsOf, figuresOf } from './blocks/figures.ts';
import { runBlocks } from './blocks/run-blocks.ts';
import { writeNumbers } from './result-page.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    size: { type: 'string' },
    arms: { type: 'string' },
    seeds: { type: 'string' },
    steps: { type: 'string' },
    rows: { type: 'string' },
    length: { type: 'string' },
    rate: { type: 'string' },
    inner: { type: 'string' },
    loss: { type: 'string' },
    threads: { type: 'string' },
  },
});

function numberOf(name: keyof typeof values, fallback: number, most: number, step = 1): number {
  const value = Number(values[name] ?? fallback);
  if (value > 0 && value <= most && value % step === 0) return value;
  throw new RangeError(`--${name} must be above 0, at most ${most}, and a multiple of ${step}.`);
}

function sizeOf(text: string): Size {
  for (const size of Object.keys(SIZES) as Size[]) if (size === text) return size;
  throw new RangeError(`--size takes ${Object.keys(SIZES).join(', ')}, not ${text}.`);
}

function armsOf(text: string): readonly Arm[] {
  return text.split(',').map((name) => {
    const arm = ARMS.find((one) => one === name);
    if (arm === undefined) throw new RangeError(`--arms takes ${ARMS.join(', ')}, not ${name}.`);
    return arm;
  });
}

const { quick } = values;
const size = sizeOf(values.size ?? (quick ? '1M' : '10M'));
const steps = numberOf('steps', quick ? 150 : 2000, 1e6);
const settings: BlocksSettings = {
  size,
  steps,
  rows: numberOf('rows', 40, 4000, 20),
  length: numberOf('length', quick ? 64 : 128, 128),
  learningRate: numberOf('rate', quick ? 2e-3 : 1e-3, 1, Number.MIN_VALUE),
  warmup: Math.min(30, Math.ceil(steps / 5)),
  inner: numberOf('inner', quick ? 25 : 50, 1e6),
  lossChance: numberOf('loss', 0.004, 1, Number.MIN_VALUE),
  heldOutRows: 64,
};
const arms = armsOf(values.arms ?? ARMS.join(','));
const seeds = Array.from({ length: numberOf('seeds', quick ? 1 : 3, 10) }, (_, index) => index + 1);

const say = (line: string) => {
  if (!values.json) console.log(line);
  else console.error(line);
};
const engine = await createWasmEngine({ threads: numberOf('threads', 1, 64) });
say(`${parameterCount(size)} parameters, ${settings.rows * settings.length} tokens a step, ${steps} steps`);
const results = await runBlocks({
  ...{ engine, settings, arms, seeds, report: values.report, print: say },
  folder: fileURLToPath(new URL('../../.starling/experiments/', import.meta.url)),
  now: () => performance.now(),
});
await engine.stop();
if (results.length > 0) say(`\n${figuresOf(results)}\n`);
if (values.write) {
  const command = 'npm run experiment -- blocks';
  await writeNumbers('blocks.md', 'Learning in blocks', command, figuresOf(results));
}
console.log(
  JSON.stringify({
    ...{ parameters: parameterCount(size), ...settings },
    runs: results.map(({ arm, seed, heldOut, repairs }) => ({
      ...{ arm, seed, repairs },
      perplexity: Math.exp(heldOut),
    })),
    bars: barsOf(results).map(({ what, most, ratio }) => ({
      ...{ what, ratio: ratio?.mean },
      ...(Number.isFinite(most) ? { most } : {}),
    })),
  }),
);
