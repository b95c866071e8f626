import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DataSetEntry, TaskSelection } from '../../protocol/swarm-spec.ts';

/**
 * The files of a selection's data sets that lie in a folder, under their own names or the names under which
 * `npm run volunteer` keeps them. Leaves out what is not there. Who opens the tasks checks the digests.
 */
export async function dataSetFiles(
  { dataSets }: TaskSelection,
  folder: string,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const entry of dataSets) {
    const file = await fileOf(entry, folder);
    if (file !== undefined) found.set(entry.id, file);
  }
  return found;
}

async function fileOf({ file }: DataSetEntry, folder: string): Promise<Uint8Array | undefined> {
  for (const name of [basename(file.path), `${file.sha256.slice(2, 34)}.jsonl`]) {
    try {
      const bytes = await readFile(join(folder, name));
      if (bytes.length === file.size) return new Uint8Array(bytes);
    } catch {
      // Looked for under the other name, then left out.
    }
  }
  return undefined;
}
