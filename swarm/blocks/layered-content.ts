import type { Manifest } from '../content/manifest.ts';
import type { ContentStore } from '../content/store.ts';

/**
 * Serves blocks beside all other content: what `blocks` holds is read from there, and all that is put goes to
 * `rest`. A BlockKeeper puts blocks into its own store.
 */
export class LayeredContent implements ContentStore {
  readonly #blocks: ContentStore;
  readonly #rest: ContentStore;

  constructor(options: { readonly blocks: ContentStore; readonly rest: ContentStore }) {
    this.#blocks = options.blocks;
    this.#rest = options.rest;
  }

  async object(cid: string): Promise<Uint8Array | null> {
    return (await this.#blocks.object(cid)) ?? this.#rest.object(cid);
  }

  putObject(cid: string, bytes: Uint8Array): Promise<void> {
    return this.#rest.putObject(cid, bytes);
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return (await this.#blocks.manifest(cid)) ?? this.#rest.manifest(cid);
  }

  putManifest(cid: string, manifest: Manifest): Promise<void> {
    return this.#rest.putManifest(cid, manifest);
  }

  async chunk(cid: string, index: number): Promise<Uint8Array | null> {
    return (await this.#blocks.chunk(cid, index)) ?? this.#rest.chunk(cid, index);
  }

  putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void> {
    return this.#rest.putChunk(cid, index, bytes);
  }

  async held(cid: string): Promise<ReadonlySet<number>> {
    return new Set([...(await this.#blocks.held(cid)), ...(await this.#rest.held(cid))]);
  }

  /** Deletes it from `rest` alone: what a device keeps for others is not for everybody to delete. */
  delete(cid: string): Promise<void> {
    return this.#rest.delete(cid);
  }

  pin(cid: string): Promise<void> {
    return this.#rest.pin(cid);
  }
}
