import { transfer } from 'comlink';
import type { FilesBase } from '../../models/loading/base-files.ts';
import type { Manifest } from '../../swarm/content/manifest.ts';
import type { LargeFile } from '../../swarm/content/member-files.ts';
import type { ContentStore } from '../../swarm/content/store.ts';
import type { ModelClient } from '../../workers/model-client.ts';

export interface BaseFileStoreOptions {
  readonly base: FilesBase;
  readonly file: LargeFile;
  /** Calls to the worker that writes the models of this device. */
  readonly call: ModelClient;
  readonly signal: AbortSignal;
}

/**
 * A store for one file of a swarm's base that members give in chunks: the worker of the models writes them to
 * where the file belongs. What is there already counts as far as it has the manifest's hashes.
 */
export class BaseFileStore implements ContentStore {
  readonly #options: BaseFileStoreOptions;
  #manifest: Manifest | null = null;
  #failure: Error | undefined;

  constructor(options: BaseFileStoreOptions) {
    this.#options = options;
  }

  /**
   * Why this device cannot keep the file, such as a full disk or a manifest of another file. Asking other
   * members would not help then.
   */
  get failure(): Error | undefined {
    return this.#failure;
  }

  async object(): Promise<null> {
    return null;
  }

  putObject(): Promise<void> {
    return Promise.reject(new TypeError('This store keeps the chunks of one file.'));
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return cid === this.#options.file.manifest ? this.#manifest : null;
  }

  putManifest(_cid: string, manifest: Manifest): Promise<void> {
    return this.#noting(async () => {
      const { path, size } = this.#options.file;
      if (manifest.size !== size) {
        throw new Error(
          `The swarm’s specification says that ${path} has ${size} bytes, and its manifest ${manifest.size}. Take another swarm.`,
        );
      }
      this.#manifest = manifest;
    });
  }

  /** Nothing: the file is on its way, and not served from here. */
  async chunk(): Promise<null> {
    return null;
  }

  putChunk(_cid: string, index: number, bytes: Uint8Array): Promise<void> {
    const { base, file, call, signal } = this.#options;
    return this.#noting(async () => {
      // Its buffer goes to the worker, which saves a copy in both threads.
      const { buffer } = bytes;
      const handed = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length ? [buffer] : [];
      await call('putChunk', transfer({ base, path: file.path, index, bytes }, handed), signal);
    });
  }

  async held(cid: string): Promise<ReadonlySet<number>> {
    const { base, file, call, signal } = this.#options;
    const manifest = await this.manifest(cid);
    if (manifest === null) return new Set();
    const asked = { base, path: file.path, hashes: manifest.hashes };
    return this.#noting(async () => new Set(await call('heldChunks', asked, signal)));
  }

  /** Forgets nothing: a person deletes the model under Models. */
  async delete(): Promise<void> {}

  async pin(): Promise<void> {}

  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!this.#options.signal.aborted && error instanceof Error) this.#failure ??= error;
      throw error;
    }
  }
}
