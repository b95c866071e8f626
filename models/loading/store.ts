/** A place for large files that are written and read in pieces: the browser's private file system, a disk, memory. */
import type { ByteReader } from '../checkpoint/safetensors-reader.ts';
import { ModelLoadError, type ModelSource } from './source.ts';

export interface StoredFile {
  size(): Promise<number>;
  /** Exactly `length` bytes from `offset`. Throws StorageError when the file is shorter. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Throws StorageFullError when there is no room; what was there before stays. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Resolves once everything written is on the medium. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A flat folder; names as `isFileName` allows, one writer at a time. */
export interface FileStore {
  readonly description: string;
  list(): Promise<readonly string[]>;
  /** Opens for reading and writing; undefined when there is no such file and `create` is not set. */
  open(name: string, options?: { readonly create?: boolean }): Promise<StoredFile | undefined>;
  remove(name: string): Promise<void>;
}

/**
 * The files of a store as a model source. `names` are those that were checked (`downloadModel` gives them); others in the store
 * are not seen. Each file is opened once; `close` lets go of them.
 */
export function storeSource(
  store: FileStore,
  names: readonly string[],
): ModelSource & { close(): Promise<void> } {
  const open = new Map<string, Promise<{ file: StoredFile; reader: ByteReader }>>();
  const openReader = async (name: string) => {
    const file = await store.open(name);
    if (file === undefined) {
      throw new ModelLoadError(`${name} is no longer in ${store.description}; download the model again`);
    }
    const size = await file.size();
    const reader: ByteReader = {
      size,
      read(offset, length, signal) {
        signal?.throwIfAborted();
        return file.read(offset, length);
      },
    };
    return { file, reader };
  };
  return {
    description: store.description,
    list: async () => names,
    async open(name) {
      if (!names.includes(name)) return undefined;
      const opened = open.get(name) ?? openReader(name);
      open.set(name, opened);
      opened.catch(() => open.delete(name));
      return (await opened).reader;
    },
    async close() {
      const files = await Promise.allSettled(open.values());
      open.clear();
      for (const result of files) if (result.status === 'fulfilled') await result.value.file.close();
    },
  };
}
