import type { Check, Finding } from './house.ts';

const LOCK = 'package-lock.json';
const CONFIG = '.npmrc';
const REGISTRY = 'https://registry.npmjs.org/';

/**
 * Packages that ask npm to run a script at installation. None of them runs: `.npmrc` says so, and nothing
 * here needs one. The list makes that a decision for each package: the next one is a finding.
 */
const WITH_INSTALL_SCRIPT: ReadonlySet<string> = new Set([
  // Fetch a binary where the package of this platform is missing; chain/devnet/foundry-binary.mjs wants that.
  ...['@foundry-rs/anvil', '@foundry-rs/cast', '@foundry-rs/forge'],
  // Put the binary in the place of its launcher, which finds it by itself.
  ...['esbuild', 'deno'],
  // Warn about versions.
  ...['@reown/appkit', 'protobufjs'],
  // Take a mark off a binary on macOS.
  'webgpu',
]);

/** Licences, as lock files write them, that a program under Apache-2.0 may depend on. */
const LICENCES: ReadonlySet<string> = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'WTFPL', 'Python-2.0'],
  ...['Apache-2.0', 'Apache-2.0 OR MIT', 'MIT OR Apache-2.0', '(Apache-2.0 AND MIT)'],
  ...['(MIT OR CC0-1.0)', '(WTFPL OR MIT)', 'WTFPL OR ISC'],
  // Unchanged files only.
  ...['MPL-2.0', 'MPL 2.0', 'CC-BY-4.0'],
]);

/**
 * WalletConnect, under licences of its own that ask for a fee above 500 users a month. The page loads it only
 * for a network whose file has a project id. `memorystream` is under MIT and says so in an older field.
 */
const WITH_OWN_LICENCE = /^(?:@(?:reown|walletconnect)\/.*|memorystream)$/;

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
}

/**
 * What npm will install is what somebody looked at: each package comes from the registry with a hash of its
 * content, has a licence of the list, and runs no script at installation.
 */
export const checkLockedPackages: Check = (house) => {
  if (!house.files.includes(LOCK)) return { findings: [], summary: ['no lock file'] };
  const text = house.read(LOCK);
  const { packages = {} } = JSON.parse(text) as { readonly packages?: Record<string, LockedPackage> };
  const findings: Finding[] = [];
  const report = (message: string) => findings.push({ file: LOCK, message });
  const scripts = new Set<string>();
  let count = 0;
  for (const [path, locked] of Object.entries(packages)) {
    // What is not below node_modules is a folder of this repository; a link leads to one.
    if (!path.includes('node_modules/') || locked.link === true) continue;
    count++;
    const name = path.replace(/^.*node_modules\//, '');
    const { resolved, integrity, license = 'none', inBundle = false } = locked;
    if (resolved !== undefined && !resolved.startsWith(REGISTRY))
      report(`${name} comes from ${resolved}: take it from ${REGISTRY}`);
    if (integrity === undefined && !inBundle)
      report(`${name} has no hash of its content: lock it again with npm install`);
    if (integrity !== undefined && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
      report(`${name} has a hash other than SHA-512: lock it again with npm install`);
    if (locked.hasInstallScript === true) {
      scripts.add(name);
      if (!WITH_INSTALL_SCRIPT.has(name))
        report(`${name} has a script for its installation: read it, then add the package to this check`);
    }
    if (!LICENCES.has(license) && !WITH_OWN_LICENCE.test(name))
      report(`${name} has the licence "${license}": see whether it may be used, then add it to this check`);
  }
  for (const name of WITH_INSTALL_SCRIPT)
    if (!scripts.has(name)) report(`${name} has no script for its installation: take it off this check`);
  const config = house.files.includes(CONFIG) ? house.read(CONFIG) : '';
  if (!/^ignore-scripts\s*=\s*true$/m.test(config))
    findings.push({ file: CONFIG, message: 'says no "ignore-scripts=true": npm would run every script' });
  if (/^(?:@[^:]+:)?registry\s*=/m.test(config))
    findings.push({ file: CONFIG, message: 'names a registry: packages come from npm’s own' });
  return { findings, summary: [`${count} packages, ${scripts.size} with a script that is never run`] };
};
