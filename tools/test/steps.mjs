import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { build } from '../build.mjs';
import { inPackage, root, run, UserError } from '../command.mjs';
import { lint } from '../lint/main.mjs';
import { forgeFailures, journeyFailures, unitFailures } from './failures.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number, note?: string, failures?: string[] }} Count
 * A step without tests of its own counts as one test.
 */

const MINUTE = 60_000;
const RESULTS = `${root}test-results`;

/**
 * The parts of `npm test`, in order. `run` gets where to report to, what the system lacks, and the arguments
 * for the step's own tool; it resolves with what it counted and never throws for a failing test.
 */
export const STEPS = {
  build: {
    about: 'kernels and contracts are built from their sources',
    async run(report) {
      try {
        await build({ only: ['kernels', 'contracts'], report });
        return one(true);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        console.log(error.message);
        return one(false);
      }
    },
  },
  types: {
    about: 'the TypeScript compiler finds no error in any project, nor an import that a room may not have',
    run: () => command([inPackage('typescript/bin/tsc'), '-b'], 5),
  },
  lint: {
    about: 'format, style, unused code, import circles, rules without a test, API pages',
    run: async () => ({ ...(await lint()), skipped: 0 }),
  },
  unit: {
    about: 'every *.test.ts beside its source; arguments are for vitest: unit swarm/gossip.test.ts',
    async run(_report, _system, argv) {
      const file = `${RESULTS}/unit.json`;
      const strayFile = `${RESULTS}/unit-stray.json`;
      for (const old of [file, strayFile]) rmSync(old, { force: true });
      mkdirSync(RESULTS, { recursive: true });
      const { code } = await node(
        [
          inPackage('vitest/vitest.mjs'),
          'run',
          '--reporter=default',
          '--reporter=json',
          `--outputFile.json=${file}`,
          `--reporter=${root}tools/test/stray-errors.mjs`,
          ...argv,
        ],
        40,
        { STRAY_ERRORS: strayFile },
      );
      const report = readJson(file);
      if (report === undefined) return one(false, ended(code));
      return settle(code, {
        passed: report.numPassedTests,
        failed: report.numFailedTests,
        skipped: report.numPendingTests + report.numTodoTests,
        failures: [...unitFailures(report, root), ...(readJson(strayFile) ?? [])],
      });
    },
  },
  contracts: {
    about:
      'format, unit, fuzz and invariant tests, gas snapshots; arguments are for forge test: --match-test X',
    async run(_report, _system, argv) {
      const { code, output } = await node(['tools/foundry.mjs', 'check', ...argv], 30);
      // forge ends each run with "...: 45 tests passed, 0 failed, 0 skipped (45 total tests)".
      const count = { passed: 0, failed: 0, skipped: 0, failures: forgeFailures(output) };
      for (const line of output.matchAll(/(\d+) tests? passed, (\d+) failed, (\d+) skipped \(\d+ total/g)) {
        count.passed += Number(line[1]);
        count.failed += Number(line[2]);
        count.skipped += Number(line[3]);
      }
      if (code === 0 && count.passed === 0) return one(false, 'forge ran no test');
      return settle(code, count);
    },
  },
  e2e: {
    about: 'the journeys of people, in Chromium on a local network; arguments are for Playwright: e2e wallet',
    async run(report, { missing }, argv) {
      const specs = existsSync(`${root}e2e`) ? readdirSync(`${root}e2e`, { recursive: true }) : [];
      if (!specs.some((name) => String(name).endsWith('.spec.ts')))
        return nothing('there are no journeys yet');
      if (missing.includes('chromium')) return nothing('Chromium is not installed');
      try {
        await build({ report });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        console.log(error.message);
        return one(false);
      }
      const file = `${RESULTS}/e2e.json`;
      rmSync(file, { force: true });
      // The swarm waits for the other journeys, unless journeys are named.
      const named = argv.length === 0 ? [] : ['--no-deps'];
      const { code } = await node([inPackage('@playwright/test/cli.js'), 'test', ...named, ...argv], 60);
      const results = readJson(file);
      const stats = results?.stats;
      if (stats === undefined) return one(false, ended(code));
      // A test that passes only on a second try is broken.
      return settle(code, {
        passed: stats.expected,
        failed: stats.unexpected + stats.flaky,
        skipped: stats.skipped,
        failures: journeyFailures(results.suites),
      });
    },
  },
};

/** Steps whose tool can be asked for a part of its tests. */
export const WITH_ARGUMENTS = ['unit', 'contracts', 'e2e'];

function node(argv, minutes, env = {}) {
  return run(process.execPath, argv, { show: true, limitMs: minutes * MINUTE, env });
}

/** A program whose exit code is the whole result. */
async function command(argv, minutes) {
  const { code } = await node(argv, minutes);
  return one(code === 0, code === 0 ? undefined : ended(code));
}

/** @returns {Count} */
function one(passed, note) {
  return {
    passed: passed ? 1 : 0,
    failed: passed ? 0 : 1,
    skipped: 0,
    ...(note === undefined ? {} : { note }),
  };
}

/** @returns {Count} */
function nothing(note) {
  return { passed: 0, failed: 0, skipped: 1, note };
}

/**
 * A run that failed without a failing test (a file that does not load, a format check) counts as one failure.
 */
function settle(code, count) {
  if (code === 0 || count.failed > 0) return count;
  return { ...count, failed: 1, note: ended(code) };
}

function ended(code) {
  return code === 124 ? 'took too long and was stopped' : `ended with code ${code}`;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
