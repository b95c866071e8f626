/**
 * `npm run bench -- [--json] [name ...]`: runs the named benchmarks, or all, and prints one line a
 * measurement; with --json each line is {name, value, unit, peer, peerValue, ratio}. Exit status 1 when one
 * of them failed.
 */
import { parseArgs } from 'node:util';
import type { Measurement } from './benchmark.ts';
import { BENCHMARKS } from './registry.ts';

const USAGE = `npm run bench -- [--json] [name ...]

Names: ${Object.keys(BENCHMARKS).join(', ')}. All of them when none is given. bench/README.md says what each measures.`;

const { values: flags, positionals } = (() => {
  try {
    return parseArgs({
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
})();
if (flags.help === true) {
  console.log(USAGE);
  process.exit(0);
}
const unknown = positionals.filter((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown.length > 0) {
  console.error(`No benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}.`);
  process.exit(2);
}

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));

const significant = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(4));

function print(measurement: Measurement): void {
  const { name, unit, peer } = measurement;
  const value = significant(measurement.value);
  const peerValue = significant(measurement.peerValue);
  const ratio = significant(measurement.ratio);
  if (flags.json) console.log(JSON.stringify({ name, value, unit, peer, peerValue, ratio }));
  else
    console.log(
      `${name}  ${value} ${unit}${peer === null ? '' : `  (${peer}: ${peerValue}, ratio ${ratio})`}`,
    );
}

let failed = false;
for (const [name, load] of Object.entries(BENCHMARKS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  try {
    const benchmark = await load();
    const note = (message: string): void => console.error(`${name}: ${message}`);
    for await (const measurement of benchmark.run({ signal: interrupt.signal, note })) print(measurement);
  } catch (error) {
    failed = true;
    console.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    if (interrupt.signal.aborted) break;
  }
}
// Dawn keeps the process alive while an adapter exists.
process.exit(failed ? 1 : 0);
