import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { VerdictStore } from '../../compute/conformance/verdict-store.ts';
import { readIfThere, writeWhole } from './files.ts';

/** Conformance verdicts in a folder, one small file each. */
export function verdictFolder(folder: string): VerdictStore {
  const path = (key: string) =>
    join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
  return {
    async get(key) {
      const bytes = await readIfThere(path(key));
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    set: (key, value) => writeWhole(path(key), value),
  };
}
