import { isFileName, MAX_FILES, ModelLoadError, type ModelSource } from './model-source.ts';

/** A file that a person picked, as the browser passes it. */
export interface PickedFile {
  readonly name: string;
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/**
 * The files of a file picker or a dropped folder, without subfolders and hidden files. Files are read on
 * demand. Throws ModelLoadError for two files of one name, or too many files.
 */
export function blobSource(files: Iterable<PickedFile>): ModelSource {
  const byName = new Map<string, PickedFile>();
  for (const file of files) {
    if (!isFileName(file.name) || depthOf(file) > 2) continue;
    if (byName.has(file.name)) {
      throw new ModelLoadError(`${file.name} was picked twice; pick the files of one model`);
    }
    byName.set(file.name, file);
    if (byName.size > MAX_FILES) {
      throw new ModelLoadError(`more than ${MAX_FILES} files; pick the folder of one model`);
    }
  }
  return {
    description: 'the picked files',
    list: async () => [...byName.keys()],
    async open(name) {
      const file = byName.get(name);
      if (file === undefined) return undefined;
      return {
        size: file.size,
        async read(offset, length, signal) {
          signal?.throwIfAborted();
          let bytes: Uint8Array<ArrayBuffer>;
          try {
            bytes = new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
          } catch (cause) {
            throw new ModelLoadError(`${name} can no longer be read; pick the files again`, { cause });
          }
          if (bytes.length !== length) {
            throw new ModelLoadError(`${name} changed while it was read; pick the files again`);
          }
          return bytes;
        },
      };
    },
  };
}

/** Depth of a file's path: 2 for "model/config.json" of a picked folder, 1 for a picked file. */
function depthOf(file: PickedFile): number {
  const path: unknown = Reflect.get(file, 'webkitRelativePath');
  return typeof path === 'string' && path !== '' ? path.split('/').length : 1;
}
