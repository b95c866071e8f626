#!/usr/bin/env node
/**
 * Runs Foundry's native binaries from npm. The packages' own `forge`, `anvil` and `cast` commands exit 0
 * whatever happens, so that a failing test looks green; nothing here may call them.
 *
 *   node tools/foundry.mjs forge build     any command, in contracts/
 *   node tools/foundry.mjs check           `npm run test:contracts`: format, vectors, tests, gas snapshots
 *   node tools/foundry.mjs check --match-test X    only vectors, and the tests that forge's arguments name
 *   node tools/foundry.mjs coverage        share of the lines of contracts/src that the tests run; minutes
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { foundryBinary } from '../chain/devnet/foundry-binary.mjs';
import { coverage } from './contract-coverage.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Runs one Foundry command in contracts/ and waits for it.
 * @param {'forge' | 'anvil' | 'cast'} tool
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env] added to this process's environment.
 * @returns {number} the command's own exit code; 1 when it could not start or was killed.
 */
export function runFoundry(tool, args, env = {}) {
  const binary = foundryBinary(tool);
  if (binary === undefined) {
    console.error(
      `No native ${tool} for ${process.platform}-${process.arch} in node_modules; run npm install without --omit=optional.`,
    );
    return 1;
  }
  const run = spawnSync(binary, args, {
    cwd: join(root, 'contracts'),
    stdio: 'inherit',
    // Foundry's npm launcher obeys TARGET_TOOL; it means nothing to the binary, and a stale one only
    // confuses.
    env: { ...process.env, ...env, TARGET_TOOL: tool },
  });
  if (run.error) console.error(run.error.message);
  return run.status ?? 1;
}

/** Writes what the reference engine computes into contracts/vectors/, for the judge's tests. */
function buildVectors() {
  const tsx = createRequire(join(root, 'package.json')).resolve('tsx/cli');
  const run = spawnSync(process.execPath, [tsx, 'tools/build-vectors.ts'], { cwd: root, stdio: 'inherit' });
  return run.status ?? 1;
}

/**
 * Format, vectors, tests and gas snapshots; stops at the first failure. Gas is measured in isolated
 * transactions. With arguments for `forge test`, only the tests that they name.
 */
function check(args) {
  const gas = ['--match-contract', 'Gas', '--isolate'];
  const write = args.includes('--write-gas');
  const named = args.filter((arg) => arg !== '--write-gas');
  if (named.length > 0) return buildVectors() || runFoundry('forge', ['test', ...named]);
  return (
    runFoundry('forge', ['fmt', '--check']) ||
    buildVectors() ||
    runFoundry('forge', ['test', '--no-match-contract', 'Gas']) ||
    runFoundry('forge', ['test', ...gas], write ? {} : { FORGE_SNAPSHOT_CHECK: 'true' })
  );
}

function cover(args) {
  const forge = foundryBinary('forge');
  if (forge !== undefined) return coverage(root, forge, args);
  console.error('No native forge in node_modules; run npm install without --omit=optional.');
  return 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [command, ...args] = process.argv.slice(2);
  if (command === 'check') process.exitCode = check(args);
  else if (command === 'coverage') process.exitCode = buildVectors() || cover(args);
  else if (command === 'forge' || command === 'anvil' || command === 'cast') {
    process.exitCode = runFoundry(command, args);
  } else {
    console.error('usage: node tools/foundry.mjs check | coverage | forge … | anvil … | cast …');
    process.exitCode = 2;
  }
}
