import { build } from '../build.mjs';
import { inPackage, run, UserError } from '../command.mjs';
import { API_PAGES } from './api-pages.mjs';

const MINUTE = 60_000;

/** What looks at the sources without running them. All run at the same time. */
const LINTERS = [
  {
    name: 'format and style (Biome)',
    argv: [inPackage('@biomejs/biome/bin/biome'), 'ci', '--colors=off', '--error-on-warnings', '.'],
  },
  { name: 'nothing unused (knip)', argv: [inPackage('knip/bin/knip.js'), '--no-progress'] },
  {
    name: 'checks of the house',
    argv: ['--import', 'tsx', 'tools/check/main.ts'],
  },
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
  for (const { name, result } of running) {
    const { code, output, seconds } = await result;
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'}  ${name} in ${seconds} s`);
    if (code === 0) count.passed++;
    else {
      count.failed++;
      console.log(output.trimEnd().replace(/^/gm, '      '));
    }
  }
  return count;
}

async function timed(argv) {
  const began = performance.now();
  const result = await run(process.execPath, argv, { env: { NO_COLOR: '1' }, limitMs: 5 * MINUTE });
  return { ...result, seconds: ((performance.now() - began) / 1000).toFixed(1) };
}
