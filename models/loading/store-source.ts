import { PromiseMemo } from '../../protocol/memoize-promise.ts';
import type { ByteReader } from '../checkpoint/safetensors-reader.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { ModelLoadError, type ModelSource } from './model-source.ts';

/**
 * The named files of a store as a model source. `names` are the files that were verified (`downloadModel`
 * returns them); other files of the store are invisible. Each file is opened once. `close` closes them all.
 */
export function storeSource(
  store: FileStore,
  names: readonly string[],
): ModelSource & { close(): Promise<void> } {
  const readers = new PromiseMemo<string, ByteReader>();
  const opened: Promise<StoredFile | undefined>[] = [];
  const openReader = async (name: string): Promise<ByteReader> => {
    const opening = store.open(name);
    opened.push(opening);
    const file = await opening;
    if (file === undefined) {
      throw new ModelLoadError(`${name} is no longer in ${store.description}; download the model again`);
    }
    return {
      size: await file.size(),
      read(offset, length, signal) {
        signal?.throwIfAborted();
        return file.read(offset, length);
      },
    };
  };
  return {
    description: store.description,
    list: async () => names,
    async open(name) {
      return names.includes(name) ? readers.get(name, () => openReader(name)) : undefined;
    },
    async close() {
      readers.clear();
      const files = await Promise.allSettled(opened.splice(0));
      for (const result of files) if (result.status === 'fulfilled') await result.value?.close();
    },
  };
}
