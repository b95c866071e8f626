import { equalBytes } from '../../protocol/bytes.ts';
import { BoundedMap } from '../bounded-map.ts';
import { DAG_CBOR, RAW } from '../messages/rollouts.ts';
import {
  CHUNK,
  chunkCount,
  chunkHash,
  chunkLength,
  cidFromDigest,
  encodeManifest,
  type Hash,
  MAX_OBJECT,
  type Manifest,
  manifestOfFile,
  parseCid,
  webHash,
} from './manifest.ts';
import type { ContentStore } from './store.ts';

/** A file on this device that is read in parts. */
export interface LocalFile {
  /** Bytes. */
  readonly size: number;
  /** `length` bytes from `offset`. Undefined when they are not there, or no longer. */
  read(offset: number, length: number): Promise<Uint8Array | undefined>;
}

interface Offer {
  readonly file: LocalFile;
  manifest: Promise<Manifest | null> | undefined;
}

/** Offers at most. The oldest one is withdrawn for a new one. */
const MAX_OFFERS = 1024;
/**
 * Chunks that are read at a time, since a read of a browser's storage costs the same for one and for four:
 * whoever fetches a file asks for chunks in a row. And how many of these parts are in memory, of all files.
 */
const CHUNKS_READ = 4;
const MAX_PARTS = 8;

/**
 * A content store that also has files which lie elsewhere on this device, such as kept checkpoints and the
 * files of a model. They are read in parts when a peer asks, are never in memory as a whole, and count for no
 * budget of the other store. What is read is hashed before it is given, so that a damaged or replaced file
 * looks like a missing one.
 */
export class StoreWithLocalFiles implements ContentStore {
  readonly #store: ContentStore;
  readonly #hash: Hash;
  readonly #offers = new Map<string, Offer>();
  /** Parts that were read last, by CID and place. */
  readonly #parts = new BoundedMap<string, Promise<Uint8Array | undefined>>(MAX_PARTS);

  /** `hash` defaults to `webHash`. */
  constructor(store: ContentStore, hash: Hash = webHash) {
    this.#store = store;
    this.#hash = hash;
  }

  /**
   * Serves a file from now on: one of at most 1 MiB under the CID of an object, any under that of a file,
   * whose manifest is then read from it when it is first asked for. Throws ContentError for a bad CID.
   */
  offer(cid: string, file: LocalFile, manifest?: Manifest): void {
    parseCid(cid);
    this.#withdraw(cid);
    this.#offers.set(cid, { file, manifest: manifest && Promise.resolve(manifest) });
    for (const oldest of this.#offers.keys()) {
      if (this.#offers.size <= MAX_OFFERS) return;
      this.#withdraw(oldest);
    }
  }

  async object(cid: string): Promise<Uint8Array | null> {
    const file = this.#offers.get(cid)?.file;
    if (file === undefined || file.size > MAX_OBJECT) return this.#store.object(cid);
    const bytes = await quietly(file.read(0, file.size));
    const isIt = bytes !== undefined && equalBytes(await this.#hash(bytes), parseCid(cid).digest);
    return isIt ? bytes : this.#store.object(cid);
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return (await this.#manifestOf(cid)) ?? this.#store.manifest(cid);
  }

  async chunk(cid: string, index: number): Promise<Uint8Array | null> {
    const manifest = await this.#manifestOf(cid);
    const file = this.#offers.get(cid)?.file;
    if (manifest === null || file === undefined) return this.#store.chunk(cid, index);
    if (index >= chunkCount(manifest)) return null;
    const isIt = async (bytes: Uint8Array | undefined): Promise<boolean> =>
      bytes !== undefined && equalBytes(await this.#hash(bytes), chunkHash(manifest, index));
    const ahead = await this.#readAhead(cid, file, index);
    if (ahead !== undefined && (await isIt(ahead))) return ahead;
    // The part may be older than the file, or end where one chunk is damaged.
    const bytes = await quietly(file.read(index * CHUNK, chunkLength(manifest, index)));
    return bytes !== undefined && (await isIt(bytes)) ? bytes : this.#store.chunk(cid, index);
  }

  putObject(cid: string, bytes: Uint8Array): Promise<void> {
    return this.#store.putObject(cid, bytes);
  }

  putManifest(cid: string, manifest: Manifest): Promise<void> {
    return this.#store.putManifest(cid, manifest);
  }

  putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void> {
    return this.#store.putChunk(cid, index, bytes);
  }

  /** Chunks that the other store has. A file that is here needs no fetching. */
  held(cid: string): Promise<ReadonlySet<number>> {
    return this.#store.held(cid);
  }

  /** Forgets what was put and offered. A file on this device is not touched. */
  async delete(cid: string): Promise<void> {
    this.#withdraw(cid);
    await this.#store.delete(cid);
  }

  pin(cid: string): Promise<void> {
    return this.#store.pin(cid);
  }

  #withdraw(cid: string): void {
    this.#offers.delete(cid);
    for (const [key] of [...this.#parts.entries()]) if (key.startsWith(`${cid}/`)) this.#parts.delete(key);
  }

  /** A chunk out of the part of the file that it lies in. Undefined when that cannot be read. */
  async #readAhead(cid: string, file: LocalFile, index: number): Promise<Uint8Array | undefined> {
    const first = index - (index % CHUNKS_READ);
    const at = first * CHUNK;
    const key = `${cid}/${first}`;
    const length = Math.min(CHUNKS_READ * CHUNK, file.size - at);
    const part = this.#parts.get(key) ?? quietly(file.read(at, length));
    this.#parts.set(key, part);
    const bytes = await part;
    if (bytes === undefined && this.#parts.get(key) === part) this.#parts.delete(key);
    return bytes?.subarray((index - first) * CHUNK, (index - first + 1) * CHUNK);
  }

  /** Null when nothing is offered under the CID, or the file there is not the one that it names. */
  async #manifestOf(cid: string): Promise<Manifest | null> {
    const offer = this.#offers.get(cid);
    if (offer === undefined || parseCid(cid).kind !== 'file') return null;
    offer.manifest ??= this.#readManifest(cid, offer.file);
    const manifest = await offer.manifest;
    if (manifest === null && this.#offers.get(cid) === offer) this.#offers.delete(cid);
    return manifest;
  }

  async #readManifest(cid: string, file: LocalFile): Promise<Manifest | null> {
    const manifest = await quietly(manifestOfFile(file, this.#hash));
    if (manifest === undefined) return null;
    return (await fileCid(manifest, this.#hash)) === cid ? manifest : null;
  }
}

/** The CID of a file: CIDv1 (raw, sha2-256) of its manifest. */
export async function fileCid(manifest: Manifest, hash: Hash = webHash): Promise<string> {
  return cidFromDigest(await hash(encodeManifest(manifest)), RAW);
}

/** The CID under which a file of at most 1 MiB is served as an object: that of its SHA-256. */
export function smallFileCid(sha256: Uint8Array): string {
  return cidFromDigest(sha256, DAG_CBOR);
}

/** Undefined for what cannot be read, which is then not here. */
async function quietly<T>(work: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}
