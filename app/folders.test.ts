import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const APP = import.meta.dirname;
/** The folders in the order of the README's first table. */
const FOLDERS = [...readFileSync(join(APP, 'README.md'), 'utf8').matchAll(/^\| `([a-z]+)\/` \|/gm)].map(
  ([, folder = '']) => folder,
);
/** Stands for the files at the top, which own the folders. Only the drawings of the page import them. */
const TOP = 'top';
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

/** Folders of the page that the files of a folder import from. */
function importedBy(folder: string): readonly string[] {
  const files = readdirSync(join(APP, folder), { recursive: true, encoding: 'utf8' });
  const imported = new Set<string>();
  for (const file of files.filter((name) => /\.tsx?$/.test(name))) {
    const path = join(APP, folder, file);
    for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(IMPORT)) {
      const absolute = resolve(path, '..', target);
      if (!absolute.startsWith(`${APP}/`) || !/\.tsx?$/.test(absolute)) continue;
      const steps = absolute.slice(APP.length + 1).split('/');
      imported.add(steps.length === 1 ? TOP : (steps[0] ?? ''));
    }
  }
  imported.delete(folder);
  return [...imported];
}

describe('the folders of the page', () => {
  it('are all in the README', () => {
    const folders = readdirSync(APP, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
      .map(({ name }) => name);
    expect([...FOLDERS].sort()).toEqual(folders.sort());
  });

  it.each(FOLDERS)('%s imports only from folders above it in the table', (folder) => {
    const above = FOLDERS.slice(0, FOLDERS.indexOf(folder));
    const allowed = folder === 'dev' ? [...above, TOP] : above;
    expect(importedBy(folder).filter((other) => !allowed.includes(other))).toEqual([]);
  });
});
