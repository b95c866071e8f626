import { equalBytes } from '../../protocol/bytes.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { deadline } from '../scheduler.ts';
import type { FetchOptions } from './content.ts';
import { ContentError } from './content-error.ts';
import { FileDownload } from './file-download.ts';
import { decodeManifest, parseCid } from './manifest.ts';
import { type FetchDependencies, PeerClient } from './peer-client.ts';

/** Asks one peer after another until one sends the bytes that the CID names. Rejects with ContentError. */
export async function fetchWhole(
  dependencies: FetchDependencies,
  cid: string,
  sources: readonly string[],
  options: FetchOptions = {},
): Promise<Uint8Array> {
  const { kind, digest } = parseCid(cid);
  const signal = options.signal ?? new AbortController().signal;
  const causes: string[] = [];
  for (const peerId of sources) {
    signal.throwIfAborted();
    let client: PeerClient | null = null;
    try {
      client = await PeerClient.open(dependencies, peerId, signal);
      const request = { kind: kind === 'object' ? 'object' : 'manifest', index: 0, cid } as const;
      const bytes = await client.request(request);
      if (equalBytes(await dependencies.hash(bytes), digest)) return bytes;
      causes.push(`${peerId} sent other bytes`);
    } catch (error) {
      signal.throwIfAborted();
      causes.push(`${peerId}: ${messageOf(error)}`);
    } finally {
      client?.close();
    }
  }
  throw new ContentError(`No peer gave ${cid} (${causes.join('; ') || 'none to ask'}).`);
}

/**
 * Runs one fetch under its total time and in the store it names. Rejects with the deadline's TimeoutError
 * when that passes.
 */
export async function withinLimits<T>(
  dependencies: FetchDependencies,
  options: FetchOptions,
  run: (dependencies: FetchDependencies, options: FetchOptions) => Promise<T>,
): Promise<T> {
  const { into: store = dependencies.store, deadlineMs } = options;
  if (deadlineMs === undefined) return run({ ...dependencies, store }, options);
  const limit = deadline(dependencies.scheduler, deadlineMs, options.signal);
  return run({ ...dependencies, store }, { ...options, signal: limit.signal }).finally(limit.release);
}

/**
 * Fetches a file's missing chunks from several peers at once into the store. A peer that is silent, lacks a
 * chunk or sends a wrong one is given up, and the others are asked for its chunks. Rejects with ContentError
 * when no peer is left, or when the file is larger than `maxBytes`, and with the store's own error where it
 * does not take a chunk. Verified chunks stay in the store.
 */
export async function fetchChunks(
  dependencies: FetchDependencies,
  cid: string,
  sources: readonly string[],
  options: FetchOptions = {},
): Promise<void> {
  const { store } = dependencies;
  let manifest = await store.manifest(cid);
  if (manifest === null) {
    manifest = decodeManifest(await fetchWhole(dependencies, cid, sources, options), options.maxBytes);
    await store.putManifest(cid, manifest);
  }
  const { maxBytes = manifest.size } = options;
  if (manifest.size > maxBytes) {
    throw new ContentError(`${cid} has ${manifest.size} bytes, and at most ${maxBytes} are taken.`);
  }
  const held = await store.held(cid);
  const download = new FileDownload(dependencies, cid, manifest, held, options);
  await download.run(sources);
}
