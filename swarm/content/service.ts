import { DAG_CBOR, RAW } from '../messages/rollouts.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Content } from './content.ts';
import { ContentError } from './content-error.ts';
import { fetchChunks, fetchWhole, withinLimits } from './fetch.ts';
import {
  CHUNK,
  chunkCount,
  cidFromDigest,
  encodeManifest,
  type Hash,
  MAX_OBJECT,
  manifestOf,
  parseCid,
  webHash,
} from './manifest.ts';
import type { FetchDependencies } from './peer-client.ts';
import { type ServeOptions, serveContent } from './server.ts';
import { type ContentStore, readFile } from './store.ts';
import type { ContentTransport } from './transport.ts';

/** Time in ms for the whole fetch of an object and of a file, when the caller names none. */
const OBJECT_MS = 60_000;
const FILE_MS = 15 * 60_000;

export interface ContentServiceOptions {
  readonly store: ContentStore;
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  /** Defaults to `webHash`. */
  readonly hash?: Hash;
  readonly serve?: Pick<ServeOptions, 'bytesPerPeer' | 'bytesForStrangers' | 'channels' | 'requesterOf'>;
  readonly fetch?: Pick<FetchDependencies, 'timeout'>;
}

export interface ContentService extends Content {
  stop(): Promise<void>;
}

/** Publishes into the store, serves from it and fetches into it. What it publishes is pinned there. */
export async function startContent(options: ContentServiceOptions): Promise<ContentService> {
  const { store, transport, scheduler } = options;
  const hash = options.hash ?? webHash;
  const dependencies: FetchDependencies = { store, transport, scheduler, hash, ...options.fetch };
  const stop = await serveContent({ store, transport, scheduler, ...options.serve });
  return {
    async publishObject(bytes) {
      if (bytes.length > MAX_OBJECT) throw new ContentError('A published object has at most 1 MiB.');
      const cid = cidFromDigest(await hash(bytes), DAG_CBOR);
      await store.pin(cid);
      await store.putObject(cid, bytes);
      return cid;
    },
    async publishFile(bytes) {
      const manifest = await manifestOf(bytes, hash);
      const cid = cidFromDigest(await hash(encodeManifest(manifest)), RAW);
      await store.pin(cid);
      await store.putManifest(cid, manifest);
      for (let index = 0; index < chunkCount(manifest); index++) {
        await store.putChunk(cid, index, bytes.slice(index * CHUNK, (index + 1) * CHUNK));
      }
      return cid;
    },
    async fetchObject(cid, sources, fetchOptions = {}) {
      if (parseCid(cid).kind !== 'object')
        throw new ContentError(`${cid} is a file's CID; fetch it with fetchFile.`);
      return withinLimits(
        dependencies,
        { deadlineMs: OBJECT_MS, ...fetchOptions },
        async (within, limited) => {
          const kept = await within.store.object(cid);
          if (kept !== null) return kept;
          const bytes = await fetchWhole(within, cid, sources, limited);
          await within.store.putObject(cid, bytes);
          return bytes;
        },
      );
    },
    async fetchFile(cid, sources, fetchOptions = {}) {
      if (parseCid(cid).kind !== 'file')
        throw new ContentError(`${cid} is an object's CID; fetch it with fetchObject.`);
      return withinLimits(dependencies, { deadlineMs: FILE_MS, ...fetchOptions }, async (within, limited) => {
        await fetchChunks(within, cid, sources, limited);
        const bytes = await readFile(within.store, cid);
        if (bytes === null)
          throw new ContentError('The store has no room for the whole file. Free some space.');
        return bytes;
      });
    },
    downloadFile(cid, sources, fetchOptions) {
      return withinLimits(dependencies, { deadlineMs: FILE_MS, ...fetchOptions }, (within, limited) =>
        fetchChunks(within, cid, sources, limited),
      );
    },
    stop,
  };
}
