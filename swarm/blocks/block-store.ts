import { decodeCanonical, encodeCanonical } from '../../protocol/canonical.ts';
import type { Hex } from '../../protocol/hex.ts';
import {
  CHUNK,
  chunkCount,
  cidFromDigest,
  encodeManifest,
  type Hash,
  manifestOf,
  webHash,
} from '../content/manifest.ts';
import { readFile } from '../content/store.ts';
import {
  type BlockVersion,
  blockVersion,
  compareVersions,
  type VersionPlace,
} from '../messages/block-announcement.ts';
import { RAW } from '../messages/rollouts.ts';
import { type BlockFiles, BlockStoreError, BlockStoreFullError, isFull } from './block-files.ts';
import { DirectoryContent, type DirectoryContentOptions } from './directory-content.ts';
import { placeKey } from './place-key.ts';

/** A version on this device's medium. */
export interface HeldVersion extends BlockVersion {
  /** Bytes of its file. */
  readonly size: number;
}

/** Most bytes of a version's record: block, step, content id and root. */
const MAX_RECORD = 256;
const RECORD = /^([a-z0-9]+)\.version$/;

/**
 * The block versions that a device keeps. `<cid>.version` is written last, once the whole file is on the
 * medium: a version is held when it has this record, and only then may the device say so. A crash at any byte
 * leaves either the version or chunks of it, and these are not fetched again.
 */
export class BlockStore {
  /** Serves the versions, and takes the chunks of those that are fetched. */
  readonly content: DirectoryContent;
  readonly #files: BlockFiles;
  readonly #hash: Hash;
  readonly #versions = new Map<string, HeldVersion>();

  private constructor(content: DirectoryContent, { files, hash = webHash }: DirectoryContentOptions) {
    this.content = content;
    this.#files = files;
    this.#hash = hash;
  }

  /** Opens a folder, and checks what an earlier session left unfinished in it. */
  static async open(options: DirectoryContentOptions): Promise<BlockStore> {
    const content = await DirectoryContent.open(options);
    const store = new BlockStore(content, options);
    await store.#readRecords();
    const held = new Set([...store.#versions.values()].map(({ version }) => version));
    for (const cid of content.cids()) if (!held.has(cid)) await content.verify(cid);
    return store;
  }

  /** What this device holds, by block and step. */
  versions(): readonly HeldVersion[] {
    return [...this.#versions.values()].sort(compareVersions);
  }

  get(place: VersionPlace): HeldVersion | undefined {
    return this.#versions.get(placeKey(place));
  }

  /**
   * Keeps a version that this device computed. Resolves once it is on the medium. Rejects with
   * BlockStoreFullError, or with BlockStoreError when other bytes of that block and step are held.
   */
  async put(place: VersionPlace & { readonly root: Hex }, bytes: Uint8Array): Promise<HeldVersion> {
    const manifest = await manifestOf(bytes, this.#hash);
    const cid = cidFromDigest(await this.#hash(encodeManifest(manifest)), RAW);
    const before = this.get(place);
    if (before !== undefined && before.version !== cid) {
      throw new BlockStoreError(
        `Other bytes of block ${place.block} after step ${place.step} are held. Drop them first, then store these.`,
      );
    }
    try {
      await this.content.putManifest(cid, manifest);
      for (let index = 0; index < chunkCount(manifest); index++) {
        await this.content.putChunk(cid, index, bytes.subarray(index * CHUNK, (index + 1) * CHUNK));
      }
      return await this.complete({ ...place, version: cid });
    } catch (error) {
      // What is cut short only takes room: the bytes can be computed again.
      if (before === undefined) await this.content.delete(cid);
      throw error;
    }
  }

  /**
   * Writes the record of a version whose file is whole: from now on it is held. Throws BlockStoreError when
   * the file is not whole.
   */
  async complete({ block, step, version, root }: BlockVersion): Promise<HeldVersion> {
    const place = { block, step };
    const before = this.get(place);
    if (before?.version === version && before.root === root) return before;
    const manifest = await this.content.manifest(version);
    if (manifest === null || !this.content.isWhole(version)) {
      throw new BlockStoreError(
        `The file of block ${block} after step ${step} is not whole. Fetch the rest.`,
      );
    }
    const record = encodeCanonical(blockVersion, { block, step, version, root });
    try {
      await this.#files.write(`${version}.version`, [record]);
    } catch (error) {
      if (isFull(error)) throw new BlockStoreFullError(record.length, 0, { cause: error });
      throw error;
    }
    const held = { block, step, version, root, size: manifest.size };
    this.#versions.set(placeKey(place), held);
    return held;
  }

  /**
   * The bytes of a version, every chunk checked. Undefined when it is not held, or turns out to be damaged:
   * then it is held no longer, and a fetch takes only the chunks that are missing.
   */
  async read(place: VersionPlace): Promise<Uint8Array | undefined> {
    const held = this.get(place);
    if (held === undefined) return undefined;
    const bytes = await readFile(this.content, held.version);
    if (bytes !== null) return bytes;
    await this.#forget(held);
    return undefined;
  }

  /** Forgets versions that have lost a chunk since they were written. Returns them. */
  async dropDamaged(): Promise<readonly HeldVersion[]> {
    const damaged = this.versions().filter(({ version }) => !this.content.isWhole(version));
    for (const version of damaged) await this.#forget(version);
    return damaged;
  }

  /** Deletes a version with its file. */
  async remove(place: VersionPlace): Promise<void> {
    const held = this.get(place);
    if (held === undefined) return;
    await this.#forget(held);
    await this.content.delete(held.version);
  }

  async #forget(held: HeldVersion): Promise<void> {
    this.#versions.delete(placeKey(held));
    await this.#files.remove(`${held.version}.version`);
  }

  async #readRecords(): Promise<void> {
    for (const name of await this.#files.list()) {
      if (!RECORD.test(name)) continue;
      const record = await this.#readRecord(name);
      const manifest = record === undefined ? null : await this.content.manifest(record.version);
      if (record === undefined || manifest === null || !this.content.isWhole(record.version)) {
        await this.#files.remove(name);
      } else this.#versions.set(placeKey(record), { ...record, size: manifest.size });
    }
  }

  async #readRecord(name: string): Promise<BlockVersion | undefined> {
    const bytes = await this.#files.read(name);
    if (bytes === undefined) return undefined;
    try {
      const record = decodeCanonical(blockVersion, bytes, MAX_RECORD);
      return `${record.version}.version` === name ? record : undefined;
    } catch {
      // A record that was cut short: its version was never said to be held.
      return undefined;
    }
  }
}
