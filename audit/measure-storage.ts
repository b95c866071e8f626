/**
 * Measures the cost of keeping fewer checkpoints: the bytes kept, and the seconds of one core to show a
 * random step of the run, which recomputes the steps since the last kept checkpoint and then the trace. It
 * measures CPU time, so that a busy machine gives the same figures.
 *
 *   tsx audit/measure-storage.ts [--steps 40] [--draws 12] [--json]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import type { Checkpoint } from '../models/decoder/checkpoint.ts';
import { freshState } from '../models/decoder/state.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import { readModel } from '../training/nano-files.ts';
import { commitRun } from './commit-run.ts';
import { openRunArchive } from './run-archive.ts';
import { runSpecOf } from './run-spec.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '40' },
    draws: { type: 'string', default: '12' },
    json: { type: 'boolean', default: false },
  },
});

const folder = new URL('../public/models/nano/', import.meta.url);
const file = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const { config, parameters } = readModel({
  'model.safetensors': file('model.safetensors'),
  'config.json': file('config.json'),
  'tokenizer.json': file('tokenizer.json'),
});
const start: Checkpoint = {
  config,
  state: freshState(config, parameters),
  cursor: 0,
  rngKey: '0x5374617261726c69',
};
const steps = Number(values.steps);
const spec = runSpecOf({
  start,
  steps,
  seed: `0x${'40'.repeat(32)}`,
  learningRate: 1e-3,
  work: { kind: 'supervised', rows: 16, length: 24 },
});

const engine = await createWasmEngine();
const rows = [];
for (const every of [1, 2, 5, 10, 20]) {
  const archive = openRunArchive(openMemoryDirectory());
  const began = cpuSeconds();
  const run = await commitRun({ engine, spec, start, archive, policy: { every } });
  const runSeconds = cpuSeconds() - began;
  const draws = new RandomStream([5, 6]).sequence(0);
  const seconds: number[] = [];
  let replayed = 0;
  for (let i = 0; i < Number(values.draws); i++) {
    const step = draws.integer(0, steps - 1);
    const from = cpuSeconds();
    replayed += step % every;
    await run.trace(step);
    seconds.push(cpuSeconds() - from);
  }
  seconds.sort((a, b) => a - b);
  rows.push({
    every,
    kept: (await archive.kept()).length,
    bytes: await archive.bytes(),
    runSeconds: round(runSeconds),
    stepsReplayed: round(replayed / seconds.length),
    medianSeconds: round(must(seconds, seconds.length >> 1)),
    worstSeconds: round(must(seconds, seconds.length - 1)),
  });
  run.dispose();
}
await engine.stop();
if (values.json) console.log(JSON.stringify({ steps, rows }));
else console.table(rows);

/** CPU seconds used by this process. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
