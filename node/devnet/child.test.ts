import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { startChild } from './child.ts';

it('starts an entry whose path has a space, a letter outside ASCII and a per cent sign', async () => {
  const home = await mkdtemp(join(tmpdir(), 'starling-child-'));
  try {
    const folder = join(home, 'my käse 100%20');
    await mkdir(folder);
    const entry = join(folder, 'entry.ts');
    await writeFile(entry, "const word: string = 'ready'; console.log(word); process.send?.(word);");
    const lines: string[] = [];
    const child = startChild({ entry: pathToFileURL(entry), onLine: (line) => lines.push(line) });
    expect(await child.message()).toBe('ready');
    await child.stop();
    expect(lines).toEqual(['ready']);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
});
