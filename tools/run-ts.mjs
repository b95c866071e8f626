#!/usr/bin/env node
/**
 * Runs a TypeScript program of the house: builds the generated modules that it imports where their sources
 * changed, then starts the program with its own arguments.
 *
 *   node tools/run-ts.mjs [--contracts] FILE [argument ...]
 *
 * The kernels are always built; the typed ABIs of the contracts only with --contracts. What is built is told
 * on stderr, so that a program's --json stays alone on stdout.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { build } from './build.mjs';
import { root, UserError } from './command.mjs';
import { missingPackages } from './packages.mjs';
import { requireNode } from './require-node.mjs';

requireNode();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof UserError ? error.message : error);
  process.exitCode = 1;
}

async function main(argv) {
  const contracts = argv[0] === '--contracts';
  const [file, ...rest] = contracts ? argv.slice(1) : argv;
  if (file === undefined) throw new UserError('Name a file: node tools/run-ts.mjs [--contracts] FILE');
  const missing = missingPackages();
  if (missing !== undefined)
    throw new UserError(`The packages are not in place: ${missing}. Run npm install.`);
  await build({
    only: contracts ? ['kernels', 'contracts'] : ['kernels'],
    report: (line) => {
      if (!line.endsWith(': unchanged')) console.error(line);
    },
  });
  return runProgram(file, rest);
}

/**
 * Resolves with the program's exit code. It keeps this terminal, so that Ctrl-C reaches it without our help.
 */
function runProgram(file, argv) {
  // A file is named from where the person stands; npm always stands at the root.
  const imports = ['tools/usage-errors.mjs', 'node_modules/tsx/dist/loader.mjs'];
  const flags = imports.flatMap((path) => ['--import', `${root}${path}`]);
  const child = spawn(process.execPath, [...flags, file, ...argv], { stdio: 'inherit' });
  const ignore = () => {};
  const pass = (signal) => child.kill(signal);
  process.on('SIGINT', ignore);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
    );
  });
}
