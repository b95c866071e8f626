import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chunkCount, encodeManifest } from '../../swarm/content/manifest.ts';
import type { ContentStore } from '../../swarm/content/store.ts';
import { openFileContentStore } from './file-content-store.ts';
import { QuotaError } from './quota.ts';

/** Content that is fetched and not proved yet. It lies apart from what is served. */
export interface Staging {
  /** Reads what the archive has already, and what was fetched. Writes are counted. */
  readonly store: ContentStore;
  /** Bytes written so far. */
  bytes(): number;
  /** Moves what was fetched into the archive. */
  keep(): Promise<void>;
  /** Removes what was fetched. Does nothing after `keep`. */
  discard(): Promise<void>;
}

/**
 * A staging folder before a content store in a folder. A write past `maxBytes` throws QuotaError, so that
 * nobody is believed about how much comes.
 */
export async function openStaging(options: {
  /** A folder of its own; it is made and removed. */
  readonly folder: string;
  readonly content: ContentStore;
  readonly contentFolder: string;
  readonly maxBytes: number;
}): Promise<Staging> {
  const { folder, content, contentFolder, maxBytes } = options;
  await mkdir(folder, { recursive: true });
  const own = await openFileContentStore(folder);
  let bytes = 0;
  const count = (length: number): void => {
    bytes += length;
    if (bytes > maxBytes)
      throw new QuotaError(`The round has more than the ${maxBytes} bytes that its author may still store.`);
  };
  const complete = new Map<string, Promise<boolean>>();
  const holder = async (cid: string): Promise<ContentStore> => {
    const known = complete.get(cid) ?? isWhole(content, cid);
    complete.set(cid, known);
    return (await known) ? content : own;
  };
  return {
    store: {
      object: async (cid) => (await content.object(cid)) ?? own.object(cid),
      manifest: async (cid) => (await holder(cid)).manifest(cid),
      chunk: async (cid, index) => (await holder(cid)).chunk(cid, index),
      held: async (cid) => (await holder(cid)).held(cid),
      async putObject(cid, object) {
        count(object.length);
        await own.putObject(cid, object);
      },
      async putManifest(cid, manifest) {
        count(encodeManifest(manifest).length);
        await own.putManifest(cid, manifest);
      },
      async putChunk(cid, index, chunk) {
        count(chunk.length);
        await own.putChunk(cid, index, chunk);
      },
      delete: (cid) => own.delete(cid),
      pin: (cid) => own.pin(cid),
    },
    bytes: () => bytes,
    async keep() {
      for (const name of await readdir(folder)) await rename(join(folder, name), join(contentFolder, name));
      await rm(folder, { recursive: true, force: true });
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Whether every chunk of the file is kept, unharmed. */
async function isWhole(store: ContentStore, cid: string): Promise<boolean> {
  const manifest = await store.manifest(cid);
  return manifest !== null && (await store.held(cid)).size === chunkCount(manifest);
}
