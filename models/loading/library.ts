/** The models that were downloaded to this device, each in its own folder with a record. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Hex } from '../../protocol/hex.ts';
import { type DownloadProgress, downloadModel, folderUrl } from './download.ts';
import {
  EMPTY_RECORD,
  type LibraryRecord,
  readRecord,
  type VerifiedBy,
  writeRecord,
} from './library-record.ts';
import type { ModelDirectory } from './model-directory.ts';
import { ModelLoadError, type ModelSource } from './model-source.ts';
import { noRoom } from './no-room.ts';
import { storeSource } from './store-source.ts';

export interface StoredModel {
  /** Identifies the model in later calls. Equal URLs give equal ids. */
  readonly id: string;
  /** Null for the base of a swarm, whose files may come from anywhere. */
  readonly url: string | null;
  /** The base's name in its swarm. Null for a model of an address. */
  readonly name: string | null;
  /** Root of its files. Null until all of them are on this device. */
  readonly root: Hex | null;
  readonly verifiedBy: VerifiedBy | null;
  /** Bytes used on this device. */
  readonly bytes: number;
  /** Bytes of the whole model, once known. */
  readonly total: number | null;
  /** Names of its files, once all of them are on this device. */
  readonly files: readonly string[];
}

/** A model that was downloaded from an address. */
export type AddressedModel = StoredModel & { readonly url: string };

export interface LibraryOptions {
  readonly directory: ModelDirectory;
  /** Bytes that can still be stored. Undefined when the browser does not tell. Defaults to unknown. */
  readonly room?: () => Promise<number | undefined>;
  /** Defaults to the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Further attempts after a broken connection. Defaults to that of `downloadModel`. */
  readonly retries?: number;
}

export class ModelLibrary {
  readonly #options: LibraryOptions;

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  /** Every model on this device, whole or in part, ordered by URL or name. Throws StorageError. */
  async list(): Promise<readonly StoredModel[]> {
    const found: StoredModel[] = [];
    for (const id of await this.#options.directory.list()) {
      const record = await readRecord(await this.#options.directory.open(id));
      if (record !== undefined) found.push(await this.#stored(id, record));
    }
    const key = ({ url, name, id }: StoredModel) => url ?? name ?? id;
    return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /**
   * Downloads what is missing of the model at `url`. Pass `hashes` (by file name) to verify each file, or
   * null to skip verification. Defaults to the hashes of the previous download. After an abort or a failure
   * the files so far stay, and the next call continues from there. Throws what `downloadModel` throws, and
   * ModelLoadError as soon as the total exceeds the room.
   */
  async download(options: {
    readonly url: string;
    readonly hashes?: ReadonlyMap<string, string> | null;
    readonly onProgress?: (progress: DownloadProgress) => void;
    readonly signal?: AbortSignal;
  }): Promise<AddressedModel> {
    const { directory, fetch, retries } = this.#options;
    const url = folderUrl(options.url).href;
    const id = bytesToHex(sha256(utf8ToBytes(url))).slice(0, 32);
    const store = await directory.open(id);
    const known = await readRecord(store);
    const hashes = options.hashes === undefined ? (known?.hashes ?? null) : options.hashes;
    let record: LibraryRecord = { ...EMPTY_RECORD, ...known, url, hashes };
    await writeRecord(store, record);

    const full = new AbortController();
    const room = await this.#options.room?.();
    const before = await directory.bytes(id);
    const onProgress = (progress: DownloadProgress) => {
      if (progress.total !== undefined && progress.total !== record.total) {
        record = { ...record, total: progress.total };
        const missing = progress.total - before;
        if (room !== undefined && missing > room) full.abort(noRoom(missing, room));
      }
      options.onProgress?.(progress);
    };
    const signals = [full.signal, ...(options.signal === undefined ? [] : [options.signal])];
    try {
      const model = await downloadModel({
        baseUrl: url,
        store,
        onProgress,
        signal: AbortSignal.any(signals),
        hashes: hashes ?? undefined,
        expectedRoot: known?.root ?? undefined,
        fetch,
        retries,
      });
      // Keep the earlier verification: the root has proved that the files are unchanged.
      const verifiedBy = hashes === null && known?.root ? known.verifiedBy : model.verifiedBy;
      const total = model.files.reduce((sum, { size }) => sum + size, 0);
      const files = model.files.map(({ name }) => name);
      record = { ...record, root: model.root, verifiedBy, total, files };
    } finally {
      await writeRecord(store, record);
    }
    return { ...(await this.#stored(id, record)), url };
  }

  /** The files of a model that is whole. They stay locked until `close`. Throws ModelLoadError. */
  async source(id: string): Promise<ModelSource & { close(): Promise<void> }> {
    const known = (await this.#options.directory.list()).includes(id);
    const store = known ? await this.#options.directory.open(id) : undefined;
    const record = store === undefined ? undefined : await readRecord(store);
    if (store === undefined || record === undefined) {
      throw new ModelLoadError('This model is no longer on this device; download it again');
    }
    if (record.root === null) {
      throw new ModelLoadError('Not all of this model is on this device yet; go on with its download first');
    }
    return storeSource(store, record.files);
  }

  /** Deletes a model, whole or in part. Throws StorageBusyError while it is being read or downloaded. */
  remove(id: string): Promise<void> {
    return this.#options.directory.remove(id);
  }

  async #stored(
    id: string,
    { url, name, root, verifiedBy, total, files }: LibraryRecord,
  ): Promise<StoredModel> {
    return { id, url, name, root, verifiedBy, total, files, bytes: await this.#options.directory.bytes(id) };
  }
}
