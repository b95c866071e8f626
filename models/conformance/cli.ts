/**
 * `npm run conformance`: the suite on every engine that this machine has. `--json` prints a line of JSON for
 * each, `--only <part of a name>` picks some, `--no-training` leaves the training steps out, `--full` adds
 * the large cases, 100 training steps and adapters of a model of 10 M parameters. Exits with 1 when bits
 * differ.
 */
import { parseArgs } from 'node:util';
import { HOSTS } from './hosts/hosts.ts';
import type { HostReport } from './hosts/webgpu-suite.ts';
import type { StepsResult } from './suite.ts';

const USAGE = `npm run conformance -- [--json] [--only PART] [--no-training] [--full]

  --only PART    the hosts with this in their names: ${HOSTS.map(({ name }) => name).join('; ')}
  --no-training  only the table of cases
  --full         large cases, 100 training steps and adapters of a model of 10 M parameters as well`;

const { values: flags } = (() => {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean' },
        only: { type: 'string' },
        'no-training': { type: 'boolean' },
        full: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
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
const { only } = flags;
const json = flags.json === true;
const size = { training: flags['no-training'] !== true, full: flags.full === true };
const hosts = HOSTS.filter(
  ({ name }) => only === undefined || name.toLowerCase().includes(only.toLowerCase()),
);
if (hosts.length === 0) {
  console.error(`No host has "${only}" in its name.\n\n${USAGE}`);
  process.exit(2);
}

function stepsOf(kind: string, result: StepsResult | undefined): string {
  if (result === undefined) return '';
  return `; ${result.steps} ${kind} steps ${result.same ? 'the same' : 'DIFFERENT'}, ${result.seconds.toFixed(1)} s`;
}

function sentenceOf(report: HostReport): string {
  if ('skipped' in report) return `skipped: ${report.skipped}`;
  if ('failed' in report) return `FAILED: ${report.failed}`;
  const trained = [stepsOf('training', report.training), stepsOf('adapter', report.lora)].join('');
  const wrong = report.wrong.length === 0 ? '' : `: ${report.wrong.join(' | ')}`;
  return `${report.device}: ${report.mismatches} of ${report.cases} cases differ in ${report.ops} operators${wrong}, ${report.seconds.toFixed(1)} s${trained}`;
}

function isRight(report: HostReport): boolean {
  if ('skipped' in report) return true;
  return (
    !('failed' in report) &&
    report.mismatches === 0 &&
    report.training?.same !== false &&
    report.lora?.same !== false
  );
}

for (const host of hosts) {
  const missing = host.missing();
  const report: HostReport =
    missing === undefined
      ? await host.run(size).catch((error: unknown) => ({ failed: String(error) }))
      : { skipped: missing };
  console.log(json ? JSON.stringify({ host: host.name, ...report }) : `${host.name}: ${sentenceOf(report)}`);
  if (!isRight(report)) process.exitCode = 1;
}
