import { existsSync, readFileSync } from 'node:fs';
import { root, run, UserError } from './command.mjs';

/**
 * What differs between the lock file and what is installed, as one sentence, or undefined when all is in place.
 * npm itself keeps the installed tree in node_modules/.package-lock.json.
 */
export function missingPackages(folder = root) {
  if (!existsSync(`${folder}node_modules`)) return 'no packages are installed';
  const wanted = packagesIn(`${folder}package-lock.json`);
  const installed = packagesIn(`${folder}node_modules/.package-lock.json`);
  if (wanted === undefined) return 'package-lock.json is missing';
  if (installed === undefined) return 'the installation was interrupted';
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional packages are those of other platforms; a link has no version.
    if (entry.version === undefined || entry.optional || !path.startsWith('node_modules/')) continue;
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
  const fresh = !existsSync(`${root}node_modules`);
  const npm = process.env.npm_execpath;
  // `npm install` keeps what fits; `npm ci` would first delete everything.
  const argv = [
    fresh ? 'ci' : 'install',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--engine-strict=false',
  ];
  console.log(`  packages: ${missing}; npm ${argv[0]} (a minute or two the first time)`);
  const result =
    npm?.endsWith('.js')
      ? await run(process.execPath, [npm, ...argv], { show: true })
      : await run('npm', argv, { show: true });
  if (result.code !== 0)
    throw new UserError('npm could not install the packages (see above). Check the network, then run again.');
  const still = missingPackages();
  if (still !== undefined)
    throw new UserError(`npm finished but ${still}. Delete node_modules and run again.`);
  return 'installed';
}
