import { concatBytes } from '@noble/hashes/utils.js';
import { BoundedMap } from '../bounded-map.ts';
import { chunkCount, type Manifest } from './manifest.ts';

/**
 * Keeps published and fetched content. Callers have verified what they put. A store may forget anything at
 * any time, and then answers null. It must never give back other bytes. testing/content-store-contract.ts
 * tests the rules:
 *
 * - [CS-01] The store has nothing of a CID that was never put.
 * - [CS-02] What was put comes back under its own CID. The same may be put again.
 * - [CS-03] Chunks are put in any order. `held` tells which are kept.
 * - [CS-04] Files are kept apart, also when they share chunks.
 * - [CS-05] `delete` forgets everything under a CID, and nothing else.
 * - [CS-06] What is under one of the two CIDs pinned last is forgotten only by `delete`. A CID may be pinned
 *   before anything is put under it.
 */
export interface ContentStore {
  object(cid: string): Promise<Uint8Array | null>;
  putObject(cid: string, bytes: Uint8Array): Promise<void>;
  manifest(cid: string): Promise<Manifest | null>;
  putManifest(cid: string, manifest: Manifest): Promise<void>;
  chunk(cid: string, index: number): Promise<Uint8Array | null>;
  /** Takes the bytes, which the caller no longer uses. */
  putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void>;
  /** Indices of the chunks kept of a file. */
  held(cid: string): Promise<ReadonlySet<number>>;
  delete(cid: string): Promise<void>;
  /** Keeps what is under the CID, as a device's own content that nobody else has yet. */
  pin(cid: string): Promise<void>;
}

/** The whole file. Null unless every chunk is kept. */
export async function readFile(store: ContentStore, cid: string): Promise<Uint8Array | null> {
  const manifest = await store.manifest(cid);
  if (manifest === null) return null;
  const chunks: Uint8Array[] = [];
  for (let index = 0; index < chunkCount(manifest); index++) {
    const chunk = await store.chunk(cid, index);
    if (chunk === null) return null;
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}

interface Entry {
  object: Uint8Array | null;
  manifest: Manifest | null;
  readonly chunks: Map<number, Uint8Array>;
  bytes: number;
}

/** CIDs that stay pinned: the checkpoints and rollout sets of two rounds. */
const PINS = 4;
/** Pinned CIDs that also stay when they alone fill the store: those of one round. */
const SURE_PINS = 2;

/**
 * A store in memory. When it is full it forgets whole entries that are not pinned, the least recently used
 * first. Content of others never displaces what is under the four CIDs pinned last.
 */
export class MemoryStore implements ContentStore {
  readonly #entries = new Map<string, Entry>();
  readonly #pinned = new BoundedMap<string, true>(PINS);
  readonly #budget: number;
  #bytes = 0;

  /** `budget` is in bytes and defaults to 256 MiB. */
  constructor(budget = 256 * 1024 * 1024) {
    this.#budget = budget;
  }

  async object(cid: string): Promise<Uint8Array | null> {
    return this.#use(cid)?.object ?? null;
  }

  async putObject(cid: string, bytes: Uint8Array): Promise<void> {
    const entry = this.#make(cid);
    if (entry.object === null) this.#grow(cid, entry, bytes.length);
    entry.object = bytes;
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return this.#use(cid)?.manifest ?? null;
  }

  async putManifest(cid: string, manifest: Manifest): Promise<void> {
    const entry = this.#make(cid);
    if (entry.manifest === null) this.#grow(cid, entry, manifest.hashes.length);
    entry.manifest = manifest;
  }

  async chunk(cid: string, index: number): Promise<Uint8Array | null> {
    return this.#use(cid)?.chunks.get(index) ?? null;
  }

  async putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void> {
    const entry = this.#make(cid);
    if (!entry.chunks.has(index)) this.#grow(cid, entry, bytes.length);
    entry.chunks.set(index, bytes);
  }

  async held(cid: string): Promise<ReadonlySet<number>> {
    return new Set(this.#use(cid)?.chunks.keys() ?? []);
  }

  async delete(cid: string): Promise<void> {
    this.#pinned.delete(cid);
    this.#forget(cid);
  }

  async pin(cid: string): Promise<void> {
    this.#pinned.set(cid, true);
  }

  #forget(cid: string): void {
    this.#bytes -= this.#entries.get(cid)?.bytes ?? 0;
    this.#entries.delete(cid);
  }

  #use(cid: string): Entry | undefined {
    const entry = this.#entries.get(cid);
    if (entry === undefined) return undefined;
    this.#entries.delete(cid);
    this.#entries.set(cid, entry);
    return entry;
  }

  #make(cid: string): Entry {
    const entry = this.#use(cid) ?? { object: null, manifest: null, chunks: new Map(), bytes: 0 };
    this.#entries.set(cid, entry);
    return entry;
  }

  #grow(cid: string, entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    this.#bytes += bytes;
    for (const other of [...this.#entries.keys()]) {
      if (this.#bytes <= this.#budget) return;
      if (other !== cid && !this.#pinned.has(other)) this.#forget(other);
    }
    if (this.#bytes <= this.#budget) return;
    // Content of others gives way to what is pinned.
    if (!this.#pinned.has(cid)) this.#forget(cid);
    const pins = [...this.#pinned.entries()].map(([other]) => other);
    for (const other of pins.slice(0, -SURE_PINS)) {
      if (this.#bytes <= this.#budget) return;
      if (other !== cid) this.#forget(other);
    }
  }
}
