import { SerialQueue } from '../../protocol/serial-queue.ts';
import { type Directory, StorageDamagedError, StorageError, StorageFullError } from './directory.ts';

/** A value, and the number of its save (1, 2, 3 ...). */
export interface StoredValue {
  readonly generation: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface DurableSlot {
  /**
   * The newest value that verifies, or undefined when no save was ever completed. Throws StorageDamagedError
   * when both generations exist and neither verifies.
   */
  load(): Promise<StoredValue | undefined>;
  /**
   * Saves a value and resolves with its generation once it is durable. Saves run one after another. A failed
   * save leaves the last good value.
   */
  save(data: Uint8Array): Promise<number>;
  /** Deletes every generation. */
  clear(): Promise<void>;
}

/**
 * One value that survives a kill at any byte of a save. Two files, `<name>.a` and `<name>.b`, each describe
 * themselves (generation, length, checksum). A save overwrites the older file and never touches the newest
 * one that verifies. There is no pointer file to keep consistent, and no rename, which some origin-private
 * file systems lack.
 *
 * A file, little endian: "starling" | version u32 | 0 u32 | generation u64 | length u64 |
 * sha256(the 32 bytes before | sha256(value)) | value.
 */
export function openDurableSlot(options: {
  readonly directory: Directory;
  readonly name: string;
  /** What is stored, for error messages. Defaults to `name`. */
  readonly what?: string;
}): DurableSlot {
  const { directory, name, what = name } = options;
  const files = [`${name}.a`, `${name}.b`] as const;
  let newest: { readonly file: string; readonly generation: number } | undefined;
  let examined = false;
  const queue = new SerialQueue();

  const examine = async (): Promise<StoredValue | undefined> => {
    let best: (StoredValue & { readonly file: string }) | undefined;
    let present = 0;
    for (const file of files) {
      const bytes = await directory.read(file);
      if (bytes === undefined) continue;
      present++;
      const value = await decode(bytes);
      if (value !== undefined && (best === undefined || value.generation > best.generation))
        best = { ...value, file };
    }
    examined = true;
    newest = best === undefined ? undefined : { file: best.file, generation: best.generation };
    // The second file is written only while the first verifies. A single bad file is a first save that was
    // cut short.
    if (best === undefined && present === files.length) throw new StorageDamagedError(what);
    return best === undefined ? undefined : { generation: best.generation, data: best.data };
  };

  const store = async (data: Uint8Array): Promise<number> => {
    if (!examined) await examine();
    const generation = (newest?.generation ?? 0) + 1;
    const file = newest?.file === files[0] ? files[1] : files[0];
    try {
      await directory.write(file, [await encodeHeader(generation, data), data]);
    } catch (error) {
      // The torn file would only take room from the next attempt.
      if (error instanceof StorageFullError) await directory.remove(file).catch(() => undefined);
      throw error;
    }
    newest = { file, generation };
    return generation;
  };

  return {
    load: () => queue.run(examine),
    save: (data) => queue.run(() => store(data)),
    clear: () =>
      queue.run(async () => {
        for (const file of files) await directory.remove(file);
        newest = undefined;
        examined = true;
      }),
  };
}

export const HEADER_BYTES = 64;
const MAGIC = new TextEncoder().encode('starling');
const VERSION = 1;

async function encodeHeader(generation: number, data: Uint8Array): Promise<Uint8Array> {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setBigUint64(16, BigInt(generation), true);
  view.setBigUint64(24, BigInt(data.byteLength), true);
  header.set(await checksum(header, data), 32);
  return header;
}

/** The value, or undefined when the bytes are not one whole, undamaged save. */
async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<StoredValue | undefined> {
  if (bytes.byteLength < HEADER_BYTES || !MAGIC.every((byte, index) => bytes[index] === byte))
    return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  const generation = Number(view.getBigUint64(16, true));
  const length = view.getBigUint64(24, true);
  const data = bytes.subarray(HEADER_BYTES);
  if (length !== BigInt(data.byteLength) || !Number.isSafeInteger(generation)) return undefined;
  const expected = await checksum(bytes, data);
  if (!expected.every((byte, index) => bytes[32 + index] === byte)) return undefined;
  if (version !== VERSION)
    throw new StorageError(
      'The saved state was written by a newer Starling. Reload the page to get that version, then continue.',
    );
  return { generation, data };
}

/**
 * sha256(first 32 header bytes | sha256(value)): one WebCrypto call over the value without joining it to the
 * header.
 */
async function checksum(header: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const both = new Uint8Array(64);
  both.set(header.subarray(0, 32));
  both.set(new Uint8Array(await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)), 32);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', both));
}
