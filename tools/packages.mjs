import { existsSync, readFileSync } from 'node:fs';
import { root, run, UserError } from './command.mjs';

/**
 * What differs between the lock file and what is installed, as one sentence, or undefined when all is in
 * place. npm itself keeps the installed tree in node_modules/.package-lock.json.
 */
export function missingPackages(folder = root) {
  if (!existsSync(`${folder}node_modules`)) return 'no packages are installed';
  const wanted = packagesIn(`${folder}package-lock.json`);
  const installed = packagesIn(`${folder}node_modules/.package-lock.json`);
  if (wanted === undefined) return 'package-lock.json is missing';
  if (installed === undefined) return 'the installation was interrupted';
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional packages are those of other platforms; a link has no version, nor is what it leads to
    // installed.
    if (entry.version === undefined || entry.optional || !path.includes('node_modules/')) continue;
    const name = path.replace(/^.*node_modules\//, '');
    if (installed[path] === undefined) return `${name} is missing`;
    if (installed[path].version !== entry.version)
      return `${name} is ${installed[path].version}, not ${entry.version}`;
    if (!existsSync(`${folder}${path}`)) return `${name} is missing`;
  }
  return undefined;
}

function packagesIn(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Installs what the lock file names and is not there. Returns what was done, for the person. */
export async function ensurePackages() {
  const missing = missingPackages();
  if (missing === undefined) return 'in place';
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lock file that leaves out the optional packages of other platforms, and
  // deletes what fits. Versions and hashes come from the lock file all the same, and --no-save keeps npm from
  // rewriting it.
  const argv = [
    'install',
    '--no-save',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    '--engine-strict=false',
  ];
  console.log(`  packages: ${missing}; npm install (a few minutes the first time)`);
  const result = npm?.endsWith('.js')
    ? await run(process.execPath, [npm, ...argv], { show: true })
    : await run('npm', argv, { show: true });
  if (result.code !== 0)
    throw new UserError('npm could not install the packages (see above). Check the network, then run again.');
  const still = missingPackages();
  if (still !== undefined)
    throw new UserError(`npm finished but ${still}. Delete node_modules and run again.`);
  return 'installed';
}
