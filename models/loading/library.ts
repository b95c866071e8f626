/** The models that were downloaded to this device: each in a folder of its own, with a record of what it is. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Hex } from '../../protocol/hex.ts';
import { type DownloadedModel, type DownloadProgress, downloadModel, folderUrl } from './download.ts';
import { type LibraryRecord, readRecord, writeRecord } from './library-record.ts';
import type { ModelShelf } from './shelf.ts';
import { ModelLoadError, type ModelSource } from './source.ts';
import { storeSource } from './store.ts';

export interface StoredModel {
  /** Names it in later calls; the same for the same address. */
  readonly id: string;
  readonly url: string;
  /** What its files are called by; null until all of them are here. */
  readonly root: Hex | null;
  readonly vouched: DownloadedModel['vouched'] | null;
  /** Bytes that it takes on this device. */
  readonly bytes: number;
  /** Bytes of the whole model, once known. */
  readonly total: number | null;
}

export interface LibraryOptions {
  readonly shelf: ModelShelf;
  /** Bytes that may still be stored; undefined where nobody says. */
  readonly room?: () => Promise<number | undefined>;
  /** The platform's unless given. */
  readonly fetch?: typeof globalThis.fetch;
  /** Tries after a connection broke, as in `downloadModel`. */
  readonly retries?: number;
}

export class ModelLibrary {
  readonly #options: LibraryOptions;

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  /** Everything that is here, whole or in part, by address. Throws StorageError. */
  async list(): Promise<readonly StoredModel[]> {
    const found: StoredModel[] = [];
    for (const id of await this.#options.shelf.list()) {
      const record = await readRecord(await this.#options.shelf.open(id));
      if (record !== undefined) found.push(await this.#stored(id, record));
    }
    return found.sort((a, b) => (a.url < b.url ? -1 : 1));
  }

  /**
   * Downloads what is missing of the model at `url`. `hashes` (by file name) must then fit, null asks for none, and left out those of
   * the last time count. After an abort or a failure what arrived stays, and the next call goes on from there. Throws what
   * `downloadModel` throws, and ModelLoadError before the first byte too many when there is no room.
   */
  async download(options: {
    readonly url: string;
    readonly hashes?: ReadonlyMap<string, string> | null;
    readonly onProgress?: (progress: DownloadProgress) => void;
    readonly signal?: AbortSignal;
  }): Promise<StoredModel> {
    const { shelf, fetch, retries } = this.#options;
    const url = folderUrl(options.url).href;
    const id = bytesToHex(sha256(utf8ToBytes(url))).slice(0, 32);
    const store = await shelf.open(id);
    const known = await readRecord(store);
    const hashes = options.hashes === undefined ? (known?.hashes ?? null) : options.hashes;
    let record: LibraryRecord = { ...EMPTY, ...known, url, hashes };
    await writeRecord(store, record);

    const full = new AbortController();
    const room = await this.#options.room?.();
    const before = await shelf.bytes(id);
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
        ...(hashes === null ? {} : { hashes }),
        ...(known?.root ? { expectedRoot: known.root } : {}),
        ...(fetch === undefined ? {} : { fetch }),
        ...(retries === undefined ? {} : { retries }),
      });
      // What vouched the first time still does: the files are the same, or `expectedRoot` had refused them.
      const vouched = hashes === null && known?.root ? known.vouched : model.vouched;
      const total = model.files.reduce((sum, { size }) => sum + size, 0);
      const files = model.files.map(({ name }) => name);
      record = { ...record, root: model.root, vouched, total, files };
    } finally {
      await writeRecord(store, record);
    }
    return this.#stored(id, record);
  }

  /** A model that is here whole, to be read. Its files stay locked until `close`. Throws ModelLoadError. */
  async source(id: string): Promise<ModelSource & { close(): Promise<void> }> {
    const known = (await this.#options.shelf.list()).includes(id);
    const store = known ? await this.#options.shelf.open(id) : undefined;
    const record = store === undefined ? undefined : await readRecord(store);
    if (store === undefined || record === undefined) {
      throw new ModelLoadError('This model is no longer on this device; download it again');
    }
    if (record.root === null) {
      throw new ModelLoadError('Not all of this model is on this device yet; go on with its download first');
    }
    return storeSource(store, record.files);
  }

  /** Deletes a model, whole or in part. Throws StorageBusyError while it is read or downloaded. */
  remove(id: string): Promise<void> {
    return this.#options.shelf.remove(id);
  }

  async #stored(id: string, { url, root, vouched, total }: LibraryRecord): Promise<StoredModel> {
    return { id, url, root, vouched, total, bytes: await this.#options.shelf.bytes(id) };
  }
}

const EMPTY: Omit<LibraryRecord, 'url'> = {
  root: null,
  vouched: null,
  total: null,
  hashes: null,
  files: [],
};

function noRoom(missing: number, room: number): ModelLoadError {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  return new ModelLoadError(
    `This model needs ${gigabytes(missing)} more, and the browser gives this page ${gigabytes(room)}; free disk space, or delete a model that is here`,
  );
}
