import { UserError } from '../command.mjs';
import { ensurePackages } from '../packages.mjs';
import { parseSteps } from './parse-steps.mjs';
import { STEPS, WITH_ARGUMENTS } from './steps.mjs';
import { ensureSystemPackages } from './system.mjs';

const USAGE = `npm test [-- step ...]
npm test -- step argument ...

Runs every check, or only the named steps. Arguments after a single step are for its own tool.
${Object.entries(STEPS)
  .map(([name, step]) => `  ${name.padEnd(10)} ${step.about}`)
  .join('\n')}`;

/** `npm test`: sets up what is missing, runs the steps, and ends with the line "N passed, N failed". */
export async function test(argv) {
  try {
    const parsed = parseSteps(argv, { steps: Object.keys(STEPS), withArguments: WITH_ARGUMENTS });
    if (parsed.kind === 'help') {
      console.log(USAGE);
      return;
    }
    if (parsed.kind === 'unknown')
      throw new UserError(
        `There is no step "${parsed.name}", and only ${WITH_ARGUMENTS.join(', ')} take arguments, each alone.\n\n${USAGE}`,
      );
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
    await runSteps(parsed.names, parsed.rest);
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error);
    process.exitCode = 1;
  }
}

async function runSteps(names, rest) {
  const report = (line) => console.log(`  ${line}`);
  console.log('set-up');
  report(`packages: ${await ensurePackages()}`);
  // A browser and a Vulkan driver are for tests that run something.
  const system = names.some((name) => name === 'unit' || name === 'e2e')
    ? await ensureSystemPackages(report)
    : { missing: [], advice: '' };
  if (system.missing.length > 0)
    report(
      `missing: ${system.missing.join(', ')}. Tests that need them are skipped; to run them:\n    ${system.advice}`,
    );

  // Unit tests load the generated modules.
  const steps =
    names.includes('build') || !names.some((name) => name !== 'lint') ? names : ['build', ...names];
  const total = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  const failures = [];
  for (const name of steps) {
    console.log(`\n${name}: ${STEPS[name].about}`);
    const began = performance.now();
    const count = await STEPS[name].run(report, system, name === 'build' ? [] : rest);
    failures.push(...(count.failures ?? []).map((failure) => `  ${name}: ${failure}`));
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    for (const key of Object.keys(total)) total[key] += count[key];
    lines.push(
      `  ${count.failed === 0 ? 'ok  ' : 'FAIL'}  ${name.padEnd(10)} ${count.passed} passed, ${count.failed} failed` +
        `${count.skipped > 0 ? `, ${count.skipped} skipped` : ''} in ${seconds} s` +
        `${count.note === undefined ? '' : ` (${count.note})`}`,
    );
  }
  console.log(`\nsummary\n${lines.join('\n')}\n`);
  // Named once more, because a log that is cut keeps its end.
  if (failures.length > 0) console.log(`failed\n${failures.join('\n')}\n`);
  if (total.skipped > 0) console.log(`${total.skipped} skipped`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}
