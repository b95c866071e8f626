/**
 * Line coverage of contracts/src by the forge tests, from forge's lcov report. Works in a copy of contracts/:
 * forge's analysis only finds OpenZeppelin's files below the folder it works in, and what it compiles for
 * coverage, without the optimizer, must not be deployed.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Least share of lines, in percent, over all files that are not excepted. */
export const LEAST_PERCENT = 95;

/**
 * Lines found and hit for each source file of an lcov report.
 * @param {string} report
 * @returns {Map<string, { found: number, hit: number, missed: number[] }>} by path as in the report.
 */
export function readLcov(report) {
  const files = new Map();
  let file;
  for (const line of report.split('\n')) {
    if (line.startsWith('SF:')) {
      file = { found: 0, hit: 0, missed: [] };
      files.set(line.slice(3), file);
    } else if (line.startsWith('DA:') && file !== undefined) {
      const [number, count] = line.slice(3).split(',').map(Number);
      file.found++;
      if (count > 0) file.hit++;
      else file.missed.push(number);
    }
  }
  return files;
}

/**
 * Runs the tests under coverage and prints a line for each source file.
 * @param {string} root the repository.
 * @param {string} forge the native binary.
 * @param {readonly string[]} args further arguments for forge, such as --match-path.
 * @returns {number} 0 when the tests pass and the share is at least LEAST_PERCENT.
 */
export function coverage(root, forge, args) {
  const place = mkdtempSync(join(tmpdir(), 'starling-coverage-'));
  try {
    for (const part of ['src', 'test', 'vectors']) {
      cpSync(join(root, 'contracts', part), join(place, part), { recursive: true });
    }
    const library = join('node_modules', '@openzeppelin');
    cpSync(join(root, library), join(place, library), { recursive: true, dereference: true });
    const settings = readFileSync(join(root, 'contracts', 'foundry.toml'), 'utf8')
      .replaceAll('../node_modules', 'node_modules')
      // Compiled in several ways, a library's lines would be counted in one and run in another; nothing is
      // optimized here anyway.
      .replace(/^(additional_compiler_profiles|compilation_restrictions) = \[[\s\S]*?^\]\n/gm, '')
      .replace('"../tools/solc"', JSON.stringify(join(root, 'tools', 'solc')));
    writeFileSync(join(place, 'foundry.toml'), settings);
    const file = join(place, 'lcov.info');
    const run = spawnSync(
      forge,
      [
        ...['coverage', '--report', 'lcov', '--report-file', file, '--no-match-contract', 'Gas'],
        // Code without the optimizer does not fit a chain, and is for none.
        ...['--no-match-test', 'test_codeSize_isWithinEIP170', ...args],
      ],
      {
        cwd: place,
        stdio: 'inherit',
        // A line is covered or not: a few runs show as much as many.
        env: {
          ...process.env,
          TARGET_TOOL: 'forge',
          FOUNDRY_DENY: 'never',
          FOUNDRY_FUZZ_RUNS: '32',
          FOUNDRY_INVARIANT_RUNS: '4',
        },
      },
    );
    return run.status === 0 ? report(readLcov(readFileSync(file, 'utf8'))) : (run.status ?? 1);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function report(files) {
  let found = 0;
  let hit = 0;
  for (const [path, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!path.startsWith('src/') || file.found === 0) continue;
    found += file.found;
    hit += file.hit;
    const missed = file.missed.length === 0 ? '' : `  not: ${file.missed.join(' ')}`;
    console.log(`${percent(file.hit, file.found).padStart(7)}  ${path}${missed}`);
  }
  console.log(`${percent(hit, found).padStart(7)}  of ${found} lines`);
  return found > 0 && (100 * hit) / found >= LEAST_PERCENT ? 0 : 1;
}

function percent(hit, found) {
  return `${((100 * hit) / found).toFixed(1)} %`;
}
