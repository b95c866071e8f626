#!/usr/bin/env node
/**
 * Builds what is made from other files, each part only when its sources changed.
 *
 *   node tools/build.mjs [kernels] [contracts] [page] [--network NETWORK.JSON]
 *
 * The page becomes a static site in dist/, for any host and any sub-path, with files of headers for the usual
 * hosts. With a network file the site has it, and its headers name whom the page may talk to.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inPackage, root, run, UserError } from './command.mjs';

/**
 * What is built, from what, into what, in order. A step whose inputs have the bytes of the last time is
 * skipped. `ignore` names inputs that the step itself makes.
 */
export const BUILD_STEPS = [
  {
    name: 'kernels',
    inputs: [
      'shaders',
      'compute/engines/wasm/assembly',
      'tools/build-kernels.mjs',
      'tools/build-wasm.mjs',
      'tools/build-shaders.mjs',
      'tools/kernel-interface.mjs',
      'package-lock.json',
    ],
    outputs: ['compute/generated/wasm.ts', 'compute/generated/shaders.ts', 'compute/generated/kernels.ts'],
    argv: ['tools/build-kernels.mjs'],
  },
  {
    name: 'contracts',
    inputs: [
      'contracts/src',
      'contracts/foundry.toml',
      'tools/build-contracts.mjs',
      'tools/foundry.mjs',
      'tools/solc',
      'package-lock.json',
    ],
    outputs: ['chain/generated/abi.ts', 'chain/generated/bytecode.ts', 'chain/generated/runtime.ts'],
    argv: ['tools/build-contracts.mjs'],
  },
  {
    name: 'page',
    inputs: [
      'app',
      'protocol',
      'compute',
      'models',
      'training',
      'audit',
      'workers',
      'swarm',
      'chain',
      'public',
      'node/devnet/page-headers.ts',
      'index.html',
      'vite.config.ts',
      'tsconfig.base.json',
      'package-lock.json',
    ],
    ignore: /\.test\.tsx?$|\.md$/,
    outputs: ['dist/index.html'],
    argv: [inPackage('vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
  },
];

const STATE = `${root}.starling/build`;

/**
 * Runs the named steps (all when none is named), one process at a time for the whole checkout.
 *
 * @param {{ only?: readonly string[], report: (line: string) => void }} options
 */
export async function build({ only, report }) {
  const release = await takeLock(report);
  try {
    for (const step of BUILD_STEPS) {
      if (only !== undefined && !only.includes(step.name)) continue;
      const stamp = `${STATE}/${step.name}`;
      const before = hashInputs(step);
      if (outputsExist(step) && readOr(stamp) === before) {
        report(`${step.name}: unchanged`);
        continue;
      }
      const began = performance.now();
      rmSync(stamp, { force: true });
      const { code, output } = await run(process.execPath, step.argv);
      if (code !== 0)
        throw new UserError(`${output.trimEnd()}\n\nBuilding the ${step.name} failed (see above).`);
      if (!outputsExist(step))
        throw new UserError(`Building the ${step.name} left no ${step.outputs.join(', ')}.`);
      // A file saved while the step ran was perhaps not seen by it: then the step runs again next time.
      if (hashInputs(step) === before) writeFileSync(stamp, before);
      report(`${step.name}: built in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
  } finally {
    release();
  }
}

function outputsExist(step) {
  return step.outputs.every((path) => statOr(join(root, path)) !== undefined);
}

function hashInputs(step) {
  const hash = createHash('sha256');
  for (const input of step.inputs) visit(input);
  // Vite puts these into the page.
  for (const key of Object.keys(process.env).sort())
    if (key.startsWith('VITE_')) hash.update(`${key}=${process.env[key]}\0`);
  return hash.digest('hex');

  function visit(path) {
    if (step.ignore?.test(path)) return;
    const stat = statOr(join(root, path));
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
      return;
    }
    hash.update(`${path}\0${stat.size}\0`).update(readFileSync(join(root, path)));
  }
}

/** Two builds at once in one checkout would read each other's half-written files. */
async function takeLock(report) {
  mkdirSync(STATE, { recursive: true });
  const path = `${STATE}/lock`;
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(readOr(path));
    const age = Date.now() - (statOr(path)?.mtimeMs ?? 0);
    // A lock younger than a second may not have its number yet.
    if (!isAlive(holder) && age > 1000) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) report(`waiting for the build of process ${holder}`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** True when a process of that number exists, ours or not. */
export function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function statOr(path) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Writes beside the built page what its host needs (node/site/write-site.ts).
 *
 * @param {string | undefined} network path of a network file
 */
async function writeSite(network) {
  const { code, output } = await run(process.execPath, [
    ...['--import', 'tsx', 'node/site/write-site.ts', '--site', 'dist'],
    ...(network === undefined ? [] : ['--network', network]),
  ]);
  if (code !== 0) throw new UserError(output.trimEnd());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { positionals: only, values } = parseArgs({
      options: { network: { type: 'string' } },
      allowPositionals: true,
    });
    const names = BUILD_STEPS.map(({ name }) => name);
    const unknown = only.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new UserError(`There is no part "${unknown}" to build. Name any of: ${names.join(', ')}.`);
    await build({ only: only.length === 0 ? names : only, report: (line) => console.log(line) });
    if (only.length === 0 || only.includes('page')) {
      await writeSite(values.network === undefined ? undefined : resolve(values.network));
      console.log('The site is in dist/. Serve it from any path; docs/deploy.md says how.');
    }
  } catch (error) {
    const known = error instanceof UserError || error.code?.startsWith('ERR_PARSE_ARGS');
    console.error(known ? error.message : error);
    process.exitCode = 1;
  }
}
