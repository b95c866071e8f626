import { open } from 'node:fs/promises';
import { ModelLoadError } from '../../models/loading/model-source.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import {
  CHUNK,
  chunkCount,
  chunkHash,
  chunkLength,
  type Manifest,
  webHash,
} from '../../swarm/content/manifest.ts';
import type { ContentStore } from '../../swarm/content/store.ts';
import { readPart } from './read-part.ts';

/**
 * A store for one file that is fetched in chunks: they are written into the file at a path. What is there
 * already counts as far as it hashes to what the manifest says, so that a download goes on where it ended,
 * whoever began it. `putManifest` throws ModelLoadError for the manifest of a file of another size.
 */
export class PartFileStore implements ContentStore {
  readonly #file: SourceFile;
  readonly #path: string;
  #manifest: Manifest | null = null;

  constructor(file: SourceFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  async object(): Promise<null> {
    return null;
  }

  putObject(): Promise<void> {
    return Promise.reject(new TypeError('This store keeps the chunks of one file.'));
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return cid === this.#file.manifest ? this.#manifest : null;
  }

  async putManifest(_cid: string, manifest: Manifest): Promise<void> {
    const { path, size } = this.#file;
    if (manifest.size !== size) {
      throw new ModelLoadError(
        `The swarm's specification says that ${path} has ${size} bytes, and its manifest ${manifest.size}; take another swarm`,
      );
    }
    this.#manifest = manifest;
  }

  async chunk(cid: string, index: number): Promise<Uint8Array | null> {
    const manifest = await this.manifest(cid);
    if (manifest === null || index >= chunkCount(manifest)) return null;
    const bytes = await readPart(this.#path, index * CHUNK, chunkLength(manifest, index));
    return bytes !== undefined && equalBytes(await webHash(bytes), chunkHash(manifest, index)) ? bytes : null;
  }

  async putChunk(_cid: string, index: number, bytes: Uint8Array): Promise<void> {
    // Not 'w', which would cut off the chunks already there.
    await (await open(this.#path, 'a')).close();
    const file = await open(this.#path, 'r+');
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, index * CHUNK + at);
        at += bytesWritten;
      }
    } finally {
      await file.close();
    }
  }

  async held(cid: string): Promise<ReadonlySet<number>> {
    const held = new Set<number>();
    const manifest = await this.manifest(cid);
    for (let index = 0; manifest !== null && index < chunkCount(manifest); index++) {
      if ((await this.chunk(cid, index)) !== null) held.add(index);
    }
    return held;
  }

  /** Forgets nothing: who asked for the file deletes it. */
  async delete(): Promise<void> {}

  async pin(): Promise<void> {}
}
