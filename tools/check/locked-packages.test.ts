import { describe, expect, it } from 'vitest';
import { houseOf } from './house.ts';
import { checkLockedPackages } from './locked-packages.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const good = { version: '1.0.0', integrity, license: 'MIT' };
const known = {
  ...{ '@foundry-rs/anvil': good, '@foundry-rs/cast': good, '@foundry-rs/forge': good, esbuild: good },
  ...{ deno: good, '@reown/appkit': good, protobufjs: good, webgpu: good },
};

/** What is found wrong with a lock file that has these packages more. */
function messages(more: Readonly<Record<string, object>>, npmrc = 'ignore-scripts=true\n'): string[] {
  const scripts = Object.entries(known).map(([name, entry]) => [name, { ...entry, hasInstallScript: true }]);
  const entries = [...scripts, ...Object.entries(more)].map(([name, entry]) => [
    `node_modules/${name}`,
    entry,
  ]);
  const packages = { '': { version: '0.1.0' }, 'tools/stub': {}, ...Object.fromEntries(entries) };
  const files = { 'package-lock.json': JSON.stringify({ packages }), '.npmrc': npmrc };
  return checkLockedPackages(houseOf(files)).findings.map(({ file, message }) => `${file} ${message}`);
}

describe('locked packages', () => {
  it('come from the registry with a hash and a known licence, and run no script', () => {
    expect(messages({ good, 'deep/node_modules/other': good })).toEqual([]);
    const resolved = 'https://registry.npmjs.org/good/-/good-1.0.0.tgz';
    expect(messages({ good: { ...good, resolved } })).toEqual([]);
  });

  it('may be folders of the repository, or lie in the package that brings them', () => {
    expect(messages({ stub: { resolved: 'tools/stub', link: true } })).toEqual([]);
    expect(
      messages({ 'outer/node_modules/inner': { version: '1.0.0', license: 'MIT', inBundle: true } }),
    ).toEqual([]);
  });

  it.each([
    ['another registry', { resolved: 'https://registry.example/bad.tgz' }, /comes from https:\/\/registry/],
    ['a look-alike', { resolved: 'https://registry.npmjs.org.example/bad.tgz' }, /comes from/],
    ['a repository', { resolved: 'git+ssh://git@host.example/bad.git' }, /comes from git/],
    ['no hash', { integrity: undefined }, /no hash of its content/],
    ['an old hash', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, /other than SHA-512/],
    ['a script', { hasInstallScript: true }, /bad has a script for its installation/],
    ['another licence', { license: 'AGPL-3.0' }, /has the licence "AGPL-3.0"/],
    ['no licence', { license: undefined }, /has the licence "none"/],
  ])('are found with %s', (_what, change, message) => {
    expect(messages({ bad: { ...good, ...change } })).toEqual([expect.stringMatching(message)]);
    expect(messages({ 'outer/node_modules/bad': { ...good, ...change } })).toHaveLength(1);
  });

  it('are found where a package no longer has a script, or npm would run them', () => {
    expect(messages({ esbuild: good })).toEqual([expect.stringMatching(/esbuild has no script/)]);
    for (const npmrc of ['', '# ignore-scripts=true\n', 'ignore-scripts=false\n'])
      expect(messages({}, npmrc)).toEqual([expect.stringMatching(/^\.npmrc says no/)]);
    for (const line of ['registry=https://registry.example/', '@scope:registry = https://registry.example/'])
      expect(messages({}, `ignore-scripts=true\n${line}\n`)).toEqual([
        expect.stringMatching(/names a registry/),
      ]);
  });
});
