#!/usr/bin/env node
/**
 * Breaks the dispute contracts in one place at a time and runs their tests: every break has to be noticed.
 *
 *   node tools/mutants.mjs [--json] [--only 3,7] [--tests disputes]
 *
 * Works in a copy of contracts/ of its own; the last line of --json is {"mutants", "killed", "survivors"}.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { foundryBinary } from './foundry.mjs';
import { MUTANTS } from './mutants/list.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string' } } });
const chosen = values.only?.split(',').map(Number);

const forge = foundryBinary('forge');
if (forge === undefined) {
  console.error('No native forge in node_modules; run npm install without --omit=optional.');
  process.exit(1);
}

const place = mkdtempSync(join(tmpdir(), 'starling-mutants-'));
const contracts = join(place, 'contracts');
process.on('exit', () => rmSync(place, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
cpSync(join(root, 'contracts'), contracts, { recursive: true });
mkdirSync(join(place, 'node_modules'));
cpSync(join(root, 'node_modules/@openzeppelin'), join(place, 'node_modules/@openzeppelin'), {
  recursive: true,
  dereference: true,
});
symlinkSync(join(root, 'tools'), join(place, 'tools'));

/** Forge's exit code and what it printed. */
function run(args) {
  const done = spawnSync(forge, args, {
    cwd: contracts,
    encoding: 'utf8',
    env: { ...process.env, TARGET_TOOL: 'forge', FOUNDRY_DENY: 'never' },
  });
  return { code: done.status ?? 1, output: `${done.stdout}${done.stderr}` };
}

/** Builds and tests; the tests that know the mutant's contract. */
function noticed(tests) {
  const built = run(['build', '--skip', 'test']);
  if (built.code !== 0) return { built: false, killed: false, output: built.output };
  const tested = run([
    'test',
    '--fail-fast',
    '--match-path',
    `test/${tests}/*`,
    '--no-match-contract',
    'Gas',
  ]);
  return { built: true, killed: tested.code !== 0, output: tested.output };
}

for (const tests of new Set(MUTANTS.map((mutant) => mutant.tests))) {
  const clean = noticed(tests);
  if (clean.killed || !clean.built) {
    console.error(`${clean.output}\nThe tests in contracts/test/${tests} fail without any mutant.`);
    process.exit(1);
  }
}

const survivors = [];
let count = 0;
for (const [number, { what, file, from, to, tests }] of MUTANTS.entries()) {
  if (chosen !== undefined && !chosen.includes(number)) continue;
  count++;
  const path = join(contracts, 'src', file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) {
    console.error(
      `${number} ${what}: its text is not in ${file} exactly once; bring tools/mutants/list.mjs up to date.`,
    );
    process.exit(1);
  }
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const { built, killed, output } = noticed(tests);
  writeFileSync(path, source);
  if (!built) {
    console.error(`${output}\n${number} ${what}: does not compile.`);
    process.exit(1);
  }
  if (!killed) survivors.push(what);
  console.error(`${killed ? 'killed  ' : 'SURVIVED'} ${number} ${what}`);
}
console.log(
  values.json
    ? JSON.stringify({ mutants: count, killed: count - survivors.length, survivors })
    : `${count} mutants, ${count - survivors.length} killed`,
);
process.exitCode = survivors.length === 0 ? 0 : 1;
