import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Keeps the results of an experiment's parts in a folder, one JSON file each. A run that was killed goes on
 * with the part that it had not finished.
 */
export class StoredParts {
  readonly #folder: string;

  /** Makes the folder with the first part. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The stored result of the part of that name, or else that of `compute`, which is then stored. A result
   * that was stored for other options is not used.
   */
  async part<T>(name: string, options: unknown, compute: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.json`);
    const key = JSON.stringify(options);
    const stored = await readPart(path);
    if (stored?.key === key) return stored.result as T;
    const result = await compute();
    await mkdir(this.#folder, { recursive: true });
    await writeFile(`${path}.new`, JSON.stringify({ key, result }));
    await rename(`${path}.new`, path);
    return result;
  }
}

async function readPart(
  path: string,
): Promise<{ readonly key: string; readonly result: unknown } | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { readonly key: string; readonly result: unknown };
  } catch {
    // No such part, or one that a crash left unreadable: it is computed.
    return undefined;
  }
}
