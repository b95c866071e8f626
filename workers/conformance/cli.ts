/**
 * `npm run conformance`: the suite on every engine that this machine has. `--json` prints a line of JSON for each, `--only
 * <part of a name>` picks some, `--no-training` leaves the 20 training steps out. Exits with 1 when bits differ.
 */
import { HOSTS } from './hosts/hosts.ts';
import type { HostReport } from './hosts/webgpu-suite.ts';

const flags = process.argv.slice(2);
const json = flags.includes('--json');
const only = flags.includes('--only') ? flags[flags.indexOf('--only') + 1] : undefined;
const training = !flags.includes('--no-training');

function sentenceOf(report: HostReport): string {
  if ('skipped' in report) return `skipped: ${report.skipped}`;
  if ('failed' in report) return `FAILED: ${report.failed}`;
  const steps = report.training;
  const trained =
    steps === undefined
      ? ''
      : `; ${steps.steps} training steps ${steps.same ? 'the same' : 'DIFFERENT'}, ${steps.seconds.toFixed(1)} s`;
  const wrong = report.wrong.length === 0 ? '' : `: ${report.wrong.join(' | ')}`;
  return `${report.device}: ${report.mismatches} of ${report.cases} cases differ in ${report.ops} operators${wrong}, ${report.seconds.toFixed(1)} s${trained}`;
}

function isRight(report: HostReport): boolean {
  if ('skipped' in report) return true;
  return !('failed' in report) && report.mismatches === 0 && report.training?.same !== false;
}

for (const host of HOSTS) {
  if (only !== undefined && !host.name.toLowerCase().includes(only.toLowerCase())) continue;
  const missing = host.missing();
  const report: HostReport =
    missing === undefined
      ? await host.run({ training }).catch((error: unknown) => ({ failed: String(error) }))
      : { skipped: missing };
  console.log(json ? JSON.stringify({ host: host.name, ...report }) : `${host.name}: ${sentenceOf(report)}`);
  if (!isRight(report)) process.exitCode = 1;
}
