#!/usr/bin/env node
/**
 * Breaks the contracts in one place at a time and runs their tests: every break has to be noticed.
 *
 *   node tools/mutants.mjs [--json] [--only 3,7-12] [--in FOLDER]
 *
 * Works in copies of its own, one for each group of tests, that hold only what the group needs; with --in
 * they stay in that folder, compiled, for the next part of the list. The last line of --json is {"mutants",
 * "killed", "survivors"}; the exit code is 0 when there is no survivor.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { foundryBinary } from '../chain/devnet/foundry-binary.mjs';
import { GROUPS, LIKELY, MUTANTS, QUICK } from './mutants/list.mjs';
import './usage-errors.mjs';

const USAGE = `node tools/mutants.mjs [--json] [--only 3,7-12] [--in FOLDER]

  --only   the numbers of the mutants to run, from 0 to ${MUTANTS.length - 1}; all by default
  --in     a folder for the copies of the contracts, kept and used again by the next run
  --json   prints {"mutants", "killed", "survivors"} as the last line`;

const solc = createRequire(import.meta.url)('solc');
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    json: { type: 'boolean' },
    only: { type: 'string' },
    in: { type: 'string' },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const chosen = values.only === undefined ? undefined : numbersOf(values.only);

const forge = foundryBinary('forge');
if (forge === undefined) {
  console.error('No native forge in node_modules; run npm install without --omit=optional.');
  process.exit(1);
}

const place = values.in ?? mkdtempSync(join(tmpdir(), 'starling-mutants-'));
if (values.in === undefined) process.on('exit', () => rmSync(place, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
// The compiler refuses files behind links that lead out of the project, so what it reads is a real copy.
mkdirSync(join(place, 'node_modules'), { recursive: true });
for (const library of ['@openzeppelin', '@layerzerolabs/toolbox-foundry/lib/forge-std']) {
  cpSync(join(root, 'node_modules', library), join(place, 'node_modules', library), {
    recursive: true,
    dereference: true,
  });
}
if (!existsSync(join(place, 'tools'))) symlinkSync(join(root, 'tools'), join(place, 'tools'));

/** A copy of contracts/ with the sources and tests of one group. */
function copyFor(group) {
  const folder = join(place, group);
  const from = join(root, 'contracts');
  cpSync(join(from, 'foundry.toml'), join(folder, 'foundry.toml'));
  if (!existsSync(join(folder, 'vectors'))) symlinkSync(join(from, 'vectors'), join(folder, 'vectors'));
  cpSync(join(from, 'test/Test.sol'), join(folder, 'test/Test.sol'));
  for (const path of GROUPS[group]) cpSync(join(from, path), join(folder, path), { recursive: true });
  for (const test of readdirSync(join(folder, 'test'), { recursive: true })) {
    // Gas is no property that a mutant could break.
    if (/Gas\.t\.sol$/.test(String(test))) rmSync(join(folder, 'test', String(test)));
  }
  return folder;
}

/** Of all sources and tests in a copy. */
function fingerprintOf(folder) {
  const hash = createHash('sha256');
  for (const part of ['src', 'test']) {
    for (const file of readdirSync(join(folder, part), { recursive: true }).map(String).sort()) {
      if (file.endsWith('.sol')) hash.update(`${file}\0`).update(readFileSync(join(folder, part, file)));
    }
  }
  return hash.digest('hex');
}

/**
 * Puts a contract compiled from a copy's sources, without the optimizer, in the place of forge's own: a
 * quarter of the time, and the tests, which know the contract by its interface, take what is there. Undefined
 * when it does not compile.
 */
function replaceArtifact(folder, contract) {
  const sources = {};
  for (const file of readdirSync(join(folder, 'src'), { recursive: true }).map(String)) {
    if (file.endsWith('.sol'))
      sources[`src/${file}`] = { content: readFileSync(join(folder, 'src', file), 'utf8') };
  }
  const [file] = Object.keys(sources).filter((path) => path.endsWith(`/${contract}.sol`));
  const settings = {
    evmVersion: 'prague',
    outputSelection: { [file]: { [contract]: ['evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  };
  const { contracts } = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })));
  const made = contracts?.[file]?.[contract]?.evm;
  if (made === undefined) return undefined;
  const path = join(folder, `out/${contract}.sol/${contract}.json`);
  const kept = readFileSync(path, 'utf8');
  const artifact = JSON.parse(kept);
  artifact.bytecode.object = `0x${made.bytecode.object}`;
  artifact.deployedBytecode.object = `0x${made.deployedBytecode.object}`;
  writeFileSync(path, JSON.stringify(artifact));
  return () => writeFileSync(path, kept);
}

/** A mutant by the quick way, where its group has one: killed, or not known. */
function noticedQuickly({ what, group, file, from, to }, folder) {
  const contract = QUICK[group];
  if (contract === undefined) return undefined;
  const path = join(folder, 'src', file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const restore = replaceArtifact(folder, contract);
  writeFileSync(path, source);
  if (restore === undefined) return undefined;
  const likely = LIKELY[what];
  let result = likely === undefined ? undefined : noticed(folder, ['--match-test', likely]);
  if (result?.killed !== true) {
    // Only the optimizer makes a contract small enough for a chain.
    result = noticed(folder, ['--no-match-test', 'test_codeSize_isWithinEIP170']);
  }
  restore();
  return result;
}

/**
 * Makes forge's own artifacts those of the sources as they stand, so that it compiles nothing over an
 * exchanged one.
 */
function compile(folder) {
  const env = { ...process.env, TARGET_TOOL: 'forge', FOUNDRY_DENY: 'never' };
  spawnSync(forge, ['build'], { cwd: folder, env, stdio: 'ignore' });
}

/** Compiles and tests; stops at the first test that fails. */
function noticed(folder, more = []) {
  const done = spawnSync(forge, ['test', '--fail-fast', ...more], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, TARGET_TOOL: 'forge', FOUNDRY_DENY: 'never' },
  });
  const output = `${done.stdout}${done.stderr}`;
  const built = !/Compiler run failed|Compilation failed/.test(output);
  const ran = /tests? passed/.test(output);
  return {
    built: built && ran,
    killed: done.status !== 0,
    output,
    by: output.match(/\[FAIL[^\n]*\] (\w+)/)?.[1],
  };
}

/** @param {string} text e.g. "3,7-12" */
function numbersOf(text) {
  return text.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

const folders = new Map();
function folderOf(group) {
  const known = folders.get(group);
  if (known !== undefined) return known;
  if (group === 'judge' && !existsSync(join(root, 'contracts/vectors/operators.bin'))) {
    console.error("The judge's tests need contracts/vectors; run npx tsx tools/build-vectors.ts first.");
    process.exit(1);
  }
  const folder = copyFor(group);
  // What was seen to pass in this folder need not be run again.
  const marker = join(folder, 'passed');
  const state = fingerprintOf(folder);
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== state) {
    const clean = noticed(folder);
    if (clean.killed || !clean.built) {
      console.error(`${clean.output}\nThe tests of ${group} fail without any mutant.`);
      process.exit(1);
    }
    writeFileSync(marker, state);
  } else compile(folder);
  folders.set(group, folder);
  return folder;
}

const survivors = [];
let count = 0;
for (const [number, { what, file, from, to, group }] of MUTANTS.entries()) {
  if (chosen !== undefined && !chosen.includes(number)) continue;
  const folder = folderOf(group);
  count++;
  const path = join(folder, 'src', file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) {
    console.error(
      `${number} ${what}: its text is not in ${file} exactly once; bring tools/mutants/list.mjs up to date.`,
    );
    process.exit(1);
  }
  let result = noticedQuickly({ what, group, file, from, to }, folder);
  if (result === undefined || !(result.killed && result.built)) {
    // What the quick way does not see, the whole way may: tests that use a library have a copy of their own.
    writeFileSync(
      path,
      source.replace(from, () => to),
    );
    const likely = QUICK[group] === undefined ? LIKELY[what] : undefined;
    if (likely !== undefined) result = noticed(folder, ['--match-test', likely]);
    if (result?.killed !== true || !result.built) result = noticed(folder);
    writeFileSync(path, source);
    if (QUICK[group] !== undefined) compile(folder);
  }
  const { built, killed, output, by } = result;
  if (!built) {
    console.error(`${output}\n${number} ${what}: does not compile.`);
    process.exit(1);
  }
  if (!killed) survivors.push(what);
  console.error(`${killed ? 'killed  ' : 'SURVIVED'} ${number} ${what}${by === undefined ? '' : ` (${by})`}`);
}
console.log(
  values.json
    ? JSON.stringify({ mutants: count, killed: count - survivors.length, survivors })
    : `${count} mutants, ${count - survivors.length} killed`,
);
process.exitCode = survivors.length === 0 ? 0 : 1;
