import type { Hex } from '../../protocol/hex.ts';
import type { PageDatabase } from './page-database.ts';

/** Files that are kept at most. A swarm whose files are larger than a page takes is refused before. */
const MOST_FILES = 64;

/**
 * Data sets of swarms on this device, by their SHA-256: those that a person opened a swarm with, and those
 * that came from members. This device serves them to others.
 */
export class KeptFiles {
  readonly #database: PageDatabase;
  /** Unix milliseconds. */
  readonly #now: () => number;

  constructor(database: PageDatabase, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /** Keeps a file, and lets go of the oldest where there are too many. */
  async put(sha256: Hex, bytes: Uint8Array): Promise<void> {
    await this.#database.put('files', { bytes, at: this.#now() }, sha256);
    const keys = await this.#database.getAllKeys('files');
    if (keys.length <= MOST_FILES) return;
    const dated = await Promise.all(
      keys.map(async (key) => ({ key, at: (await this.#database.get('files', key))?.at ?? 0 })),
    );
    const oldest = dated.sort((a, b) => a.at - b.at).slice(0, keys.length - MOST_FILES);
    for (const { key } of oldest) await this.#database.delete('files', key);
  }

  /** The file's bytes; undefined when it is not here. */
  async get(sha256: Hex): Promise<Uint8Array | undefined> {
    return (await this.#database.get('files', sha256))?.bytes;
  }
}
