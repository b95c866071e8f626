import 'fake-indexeddb/auto';
import { expect, it } from 'vitest';
import { KeptFiles } from './kept-files.ts';
import { openPageDatabase } from './page-database.ts';

const name = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const;

it('keeps the files of swarms, and lets go of the oldest beyond 64', async () => {
  let now = 0;
  const files = new KeptFiles(await openPageDatabase('kept-files'), () => now++);
  expect(await files.get(name(0))).toBeUndefined();
  for (let n = 0; n < 65; n++) await files.put(name(n), Uint8Array.of(n));
  expect(await files.get(name(0))).toBeUndefined();
  expect(await files.get(name(1))).toEqual(Uint8Array.of(1));
  expect(await files.get(name(64))).toEqual(Uint8Array.of(64));
});
