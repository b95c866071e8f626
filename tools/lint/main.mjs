import { build } from '../build.mjs';
import { inPackage, run, UserError } from '../command.mjs';
import { API_PAGES } from './api-pages.mjs';

const MINUTE = 60_000;

const CHECKS = ['--import', 'tsx', 'tools/check/main.ts'];

/**
 * What looks at the sources without running them. All run at the same time. One with `report` tells what it
 * finds and does not fail yet: the house is on its way there.
 */
const LINTERS = [
  {
    name: 'format and style (Biome)',
    argv: [inPackage('@biomejs/biome/bin/biome'), 'ci', '--colors=off', '--error-on-warnings', '.'],
  },
  {
    name: 'nothing unused (knip)',
    argv: [inPackage('knip/bin/knip.js'), '--no-progress'],
    report: true,
  },
  {
    name: 'checks of the house',
    argv: [...CHECKS, 'circles', 'references', 'mentions', 'rule-ids', 'room-size', 'rooms-picture'],
  },

  { name: 'length of comments and prose', argv: [...CHECKS, 'line-length'], report: true },
  { name: 'pages of the API (TypeDoc)', argv: API_PAGES },
];

/**
 * Runs every linter and prints what each has to say. Resolves with how many passed and failed, and never
 * rejects for a finding.
 *
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function lint() {
  const count = { passed: 0, failed: 0 };
  try {
    // Imports of generated modules must lead somewhere.
    await build({ only: ['kernels', 'contracts'], report: () => {} });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(error.message);
    return { passed: 0, failed: LINTERS.length };
  }
  const running = LINTERS.map((linter) => ({ ...linter, result: timed(linter.argv) }));
  for (const { name, report, result } of running) {
    const { code, output, seconds } = await result;
    const word = code === 0 ? 'ok  ' : report ? 'note' : 'FAIL';
    console.log(`${word}  ${name} in ${seconds} s`);
    if (code === 0 || report) count.passed++;
    else count.failed++;
    if (code !== 0) console.log(output.trimEnd().replace(/^/gm, '      '));
  }
  return count;
}

async function timed(argv) {
  const began = performance.now();
  const result = await run(process.execPath, argv, { env: { NO_COLOR: '1' }, limitMs: 5 * MINUTE });
  return { ...result, seconds: ((performance.now() - began) / 1000).toFixed(1) };
}
