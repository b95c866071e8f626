import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { zipParts } from './zip.ts';

const files = new Map([
  ['model/README.md', new TextEncoder().encode('# Größe\n')],
  ['model/weights.bin', Uint8Array.from({ length: 70_000 }, (_, n) => (n * 31) & 0xff)],
  ['model/empty', new Uint8Array()],
]);

/** Every machine with Python opens archives with a program that is not ours. */
const CHECK = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
archive.extractall(sys.argv[2])
print(','.join(archive.namelist()))
`;

it('makes an archive that another program takes and finds whole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zip-'));
  try {
    writeFileSync(join(folder, 'model.zip'), Buffer.concat(zipParts(files)));
    const names = execFileSync('python3', ['-c', CHECK, join(folder, 'model.zip'), folder], {
      encoding: 'utf8',
    });
    expect(names.trim()).toBe([...files.keys()].join(','));
    for (const [name, bytes] of files) {
      expect(new Uint8Array(readFileSync(join(folder, name)))).toEqual(bytes);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
