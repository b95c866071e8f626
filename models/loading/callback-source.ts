import type { ByteReader } from '../checkpoint/safetensors-reader.ts';
import { ModelLoadError, type ModelSource } from './model-source.ts';

/** A model's file by its name and size. */
export interface NamedSize {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

export interface CallbackSourceOptions {
  /** The place in words, for people. */
  readonly description: string;
  readonly files: readonly NamedSize[];
  /** Gives exactly these bytes of a file. */
  readonly read: (
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal | undefined,
  ) => Promise<Uint8Array<ArrayBuffer>>;
}

/** A model whose files somebody else reads, such as another thread. */
export function callbackSource({ description, files, read }: CallbackSourceOptions): ModelSource {
  const sizes = new Map(files.map(({ name, size }) => [name, size]));
  return {
    description,
    list: async () => [...sizes.keys()],
    async open(name): Promise<ByteReader | undefined> {
      const size = sizes.get(name);
      if (size === undefined) return undefined;
      return {
        size,
        async read(offset, length, signal) {
          signal?.throwIfAborted();
          const bytes = await read(name, offset, length, signal);
          if (bytes.length === length) return bytes;
          throw new ModelLoadError(`${bytes.length} of ${length} bytes of ${name} were read; try again`);
        },
      };
    },
  };
}
