import { StorageError, StorageFullError } from '../../storage/directory.ts';
import type { FileStore, StoredFile } from '../file-store.ts';
import { checkFileName } from '../model-source.ts';

/** A FileStore in memory. `capacity` is the size of all files together in bytes. Defaults to no limit. */
export function openMemoryFileStore(
  options: { readonly files?: Map<string, Uint8Array<ArrayBuffer>>; readonly capacity?: number } = {},
): FileStore & { readonly files: Map<string, Uint8Array<ArrayBuffer>> } {
  const files = options.files ?? new Map<string, Uint8Array<ArrayBuffer>>();
  const used = () => [...files.values()].reduce((sum, data) => sum + data.length, 0);
  const bytesOf = (name: string) => files.get(name) ?? new Uint8Array();
  const stored = (name: string): StoredFile => ({
    size: async () => bytesOf(name).length,
    async read(offset, length) {
      const data = bytesOf(name);
      if (offset + length > data.length) throw new StorageError(`${name} ended early while it was read.`);
      return data.slice(offset, offset + length);
    },
    async write(offset, bytes) {
      const data = bytesOf(name);
      const size = Math.max(data.length, offset + bytes.length);
      if (used() - data.length + size > (options.capacity ?? Number.POSITIVE_INFINITY)) {
        throw new StorageFullError(bytes.length);
      }
      const grown = new Uint8Array(size);
      grown.set(data);
      grown.set(bytes, offset);
      files.set(name, grown);
    },
    async truncate(size) {
      if (used() - bytesOf(name).length + size > (options.capacity ?? Number.POSITIVE_INFINITY)) {
        throw new StorageFullError(size);
      }
      const cut = new Uint8Array(size);
      cut.set(bytesOf(name).subarray(0, size));
      files.set(name, cut);
    },
    flush: async () => undefined,
    close: async () => undefined,
  });
  return {
    description: 'this page’s memory',
    files,
    list: async () => [...files.keys()],
    async open(name, { create = false } = {}) {
      checkFileName(name);
      if (!files.has(name)) {
        if (!create) return undefined;
        files.set(name, new Uint8Array());
      }
      return stored(name);
    },
    async remove(name) {
      checkFileName(name);
      files.delete(name);
    },
  };
}
