import type { ModelFiles } from '../models/decoder/load.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import { PromiseMemo } from '../protocol/memoize-promise.ts';
import { ResponseTooLongError, readBytes } from '../protocol/response-body.ts';

/** The source of a published model's three files: a URL in the page, a folder in Node. */
export interface PublishedModel {
  /** Bytes of one file. Throws ModelFetchError. */
  file(name: keyof ModelFiles, signal?: AbortSignal): Promise<Uint8Array>;
}

/** A model file could not be fetched. */
export class ModelFetchError extends Error {
  override readonly name = 'ModelFetchError';
}

/** Largest sizes accepted, so that a wrong or hostile server cannot fill memory. */
const MODEL_FILE_LIMITS: Readonly<Record<keyof ModelFiles, number>> = {
  'config.json': 1 << 20,
  'tokenizer.json': 64 << 20,
  'model.safetensors': 8 * 2 ** 30,
};

/**
 * A model in a folder at the URL `base`, which ends with a slash. A download stops as soon as the file is
 * longer than the limit. `onProgress` receives the bytes so far and the total, which is null when the server
 * does not tell it.
 */
export function modelAt(
  base: string | URL,
  options: {
    readonly fetcher?: typeof fetch;
    readonly onProgress?: (name: keyof ModelFiles, done: number, total: number | null) => void;
  } = {},
): PublishedModel {
  const fetcher = options.fetcher ?? ((input, init) => fetch(input, init));
  return {
    async file(name, signal) {
      const url = new URL(name, base);
      let response: Response;
      try {
        response = await fetcher(url, { signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw new ModelFetchError(`${name} cannot be reached. Check the connection and try again.`, {
          cause: error,
        });
      }
      if (!response.ok || response.body === null)
        throw new ModelFetchError(
          `The server has no ${name} (${response.status}). Whoever serves this page must repair it.`,
        );
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      // The length of a compressed response is not the length of the file.
      const total = response.headers.has('content-encoding') || !Number.isSafeInteger(length) ? null : length;
      const limit = MODEL_FILE_LIMITS[name];
      let bytes: Uint8Array;
      try {
        bytes = await readBytes(response, {
          ...{ maxBytes: limit, signal },
          onProgress: (done) => options.onProgress?.(name, done, total),
        });
      } catch (error) {
        if (!(error instanceof ResponseTooLongError)) throw error;
        throw new ModelFetchError(`${name} is larger than the ${limit} bytes allowed.`, { cause: error });
      }
      if (total !== null && bytes.length !== total)
        throw new ModelFetchError(`${name} ended after ${bytes.length} of ${total} bytes. Try again.`);
      return bytes;
    },
  };
}

/** Fetches all three files, one after another. */
export async function fetchModelFiles(model: PublishedModel, signal?: AbortSignal): Promise<ModelFiles> {
  return {
    'config.json': await model.file('config.json', signal),
    'tokenizer.json': await model.file('tokenizer.json', signal),
    'model.safetensors': await model.file('model.safetensors', signal),
  };
}

const PUBLISHED_FILES: readonly (keyof ModelFiles)[] = ['config.json', 'tokenizer.json', 'model.safetensors'];

/** The three files as a model source. Each is fetched whole, once, when it is first opened. */
export function publishedSource(model: PublishedModel): ModelSource {
  const files = new PromiseMemo<keyof ModelFiles, Uint8Array<ArrayBuffer>>();
  return {
    description: 'the published model',
    list: async () => PUBLISHED_FILES,
    async open(name, signal) {
      const file = PUBLISHED_FILES.find((each) => each === name);
      if (file === undefined) return undefined;
      const bytes = await files.get(file, async () => new Uint8Array(await model.file(file, signal)));
      return {
        size: bytes.length,
        read: async (offset, length) => bytes.slice(offset, offset + length),
      };
    },
  };
}
