import { posix } from 'node:path';
import type { Check, Finding, House } from './house.ts';
import { lineAt } from './house.ts';

const TEXTS = /\.(md|ts|tsx|mts|mjs|js|sol|wgsl|json|sh)$/;
/** Records of what was name what stood there then; strings of tests are data. */
const LEFT_OUT = /^(docs\/results\/|docs\/vectors\/|CHANGELOG\.md$|package-lock\.json$)|\.(test|spec)\.tsx?$/;
const SOURCE = 'ts|tsx|mts|mjs|js|sol|wgsl|md|json|svg|png|html|toml';

/**
 * What a text names exists: the target of a Markdown link, a path that begins with a room or with a folder
 * beside the text, a file in a README's table, the script of `npm run …`, and a Solidity test.
 */
export const checkMentions: Check = (house) => {
  const known = new Set(house.files.flatMap((file) => [file, ...foldersOf(file)]));
  const scripts = new Set(scriptsOf(house));
  const tests = new Set(
    house.files
      .filter((file) => file.endsWith('.t.sol'))
      .flatMap((file) => [...house.read(file).matchAll(/\bfunction (\w+)/g)].map(([, name]) => name)),
  );
  const findings: Finding[] = [];
  let count = 0;
  for (const file of house.files.filter((path) => TEXTS.test(path) && !LEFT_OUT.test(path))) {
    const text = house.read(file);
    const report = (at: number, message: string) => findings.push({ file, line: lineAt(text, at), message });
    for (const { 1: script, index } of text.matchAll(/\bnpm run ([a-z][\w-]*(?::[\w-]+)*)/g)) {
      count++;
      if (script !== undefined && !scripts.has(script)) report(index, `there is no script "${script}"`);
    }
    if (file.endsWith('.md'))
      for (const { 1: test, index } of text.matchAll(/`((?:test(?:Fuzz)?|invariant)_\w*[^\W_])`/g)) {
        count++;
        if (test !== undefined && !tests.has(test)) report(index, `there is no Solidity test ${test}`);
      }
    for (const { path, index, from, anyDepth } of pathsIn(file, text)) {
      count++;
      const targets = [...new Set(from.map((folder) => posix.join(folder, path).replace(/\/$/, '')))];
      const found =
        targets.some((target) => known.has(target)) ||
        (anyDepth &&
          house.files.some((other) => isBelow(other, posix.dirname(file)) && other.endsWith(`/${path}`)));
      if (!found) report(index, `there is no ${targets.join(' nor ')}`);
    }
  }
  return { findings, summary: [`${count} links, paths, scripts and tests named`] };
};

interface PathMention {
  readonly path: string;
  /** The folders that `path` may start from. */
  readonly from: readonly string[];
  readonly index: number;
  /** Whether it may be named without the folders between `from` and it. */
  readonly anyDepth?: true;
}

function pathsIn(file: string, text: string): PathMention[] {
  const mentions: PathMention[] = [];
  if (file.endsWith('.md'))
    for (const { 1: link, index } of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g))
      if (link !== undefined && !/^[a-z]+:/.test(link))
        mentions.push({ path: link, from: [posix.dirname(file)], index });
  // The table of a room's README names the files beside and below it.
  if (file.endsWith('README.md'))
    for (const { 1: name, index } of text.matchAll(
      /`((?:[\w.-]+\/)*[\w-]+(?:\.[\w-]+)*\.(?:ts|tsx|mjs|wgsl|sol))`/g,
    ))
      if (name !== undefined && !isGenerated(name))
        mentions.push({ path: name, from: ['', posix.dirname(file)], index, anyDepth: true });
  // A path from the root, in prose or a comment: a room, folders, and a file's ending.
  const rooted = new RegExp(
    `(?<![\\w./@-])((?:app|audit|bench|chain|compute|contracts|docs|e2e|models|node|pipeline|protocol|shaders|swarm|tools|training|workers)(?:/[\\w.-]+)*/[\\w-]+(?:\\.[\\w-]+)*\\.(?:${SOURCE}))(?![\\w/*{])`,
    'g',
  );
  for (const { 1: path, index } of text.matchAll(rooted))
    if (path !== undefined && !isGenerated(path))
      mentions.push({ path, from: ['', posix.dirname(file)], index });
  return mentions;
}

function isBelow(file: string, folder: string): boolean {
  return folder === '.' || file.startsWith(`${folder}/`);
}

function isGenerated(path: string): boolean {
  return /(^|\/)generated\/|^contracts\/(out|cache|vectors)\//.test(path);
}

function foldersOf(file: string): string[] {
  const folders: string[] = [];
  for (let folder = posix.dirname(file); folder !== '.'; folder = posix.dirname(folder)) folders.push(folder);
  return folders;
}

function scriptsOf(house: House): string[] {
  if (!house.files.includes('package.json')) return [];
  const manifest: unknown = JSON.parse(house.read('package.json'));
  if (typeof manifest !== 'object' || manifest === null || !('scripts' in manifest)) return [];
  return Object.keys(manifest.scripts ?? {});
}
