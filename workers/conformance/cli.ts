/**
 * `npm run conformance`: the suite on every engine that this machine has. `--json` prints a line of JSON for each, `--only
 * <part of a name>` picks some, `--no-training` leaves the training steps out, `--full` adds the large cases, 100 training steps
 * and adapters of a model of 10 M parameters. Exits with 1 when bits differ.
 */
import { HOSTS } from './hosts/hosts.ts';
import type { HostReport } from './hosts/webgpu-suite.ts';
import type { StepsResult } from './suite.ts';

const flags = process.argv.slice(2);
const json = flags.includes('--json');
const only = flags.includes('--only') ? flags[flags.indexOf('--only') + 1] : undefined;
const size = { training: !flags.includes('--no-training'), full: flags.includes('--full') };

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

for (const host of HOSTS) {
  if (only !== undefined && !host.name.toLowerCase().includes(only.toLowerCase())) continue;
  const missing = host.missing();
  const report: HostReport =
    missing === undefined
      ? await host.run(size).catch((error: unknown) => ({ failed: String(error) }))
      : { skipped: missing };
  console.log(json ? JSON.stringify({ host: host.name, ...report }) : `${host.name}: ${sentenceOf(report)}`);
  if (!isRight(report)) process.exitCode = 1;
}
