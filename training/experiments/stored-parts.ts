import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LearningSettings } from '../learning-settings.ts';

/** The settings as part of a key. Parts of before the rules against strangers who lie are still found. */
export function storedSettings({ foreignDraw, foreignFloor, ...others }: LearningSettings): object {
  return {
    ...others,
    ...(foreignDraw === 'samples' ? {} : { foreignDraw }),
    ...(foreignFloor === 'none' ? {} : { foreignFloor }),
  };
}

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
    const known = await this.known<T>(name, options);
    if (known !== undefined) return known;
    const result = await compute();
    const path = this.#pathOf(name);
    await mkdir(this.#folder, { recursive: true });
    await writeFile(`${path}.new`, JSON.stringify({ key: JSON.stringify(options), result }));
    await rename(`${path}.new`, path);
    return result;
  }

  /** The stored result of the part of that name and options. Undefined when it was not finished. */
  async known<T>(name: string, options: unknown): Promise<T | undefined> {
    const stored = await readPart(this.#pathOf(name));
    return stored?.key === JSON.stringify(options) ? (stored.result as T) : undefined;
  }

  #pathOf(name: string): string {
    return join(this.#folder, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.json`);
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
