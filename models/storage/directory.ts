/**
 * A flat folder of a few files with one writer at a time: all that durable storage needs of a browser's
 * origin-private file system or of a disk. testing/directory-contract.ts tests its rules:
 *
 * - [DR-01] Every method that takes a name throws StorageError for a name that `checkName` refuses.
 * - [DR-02] `list` gives the names of the files that exist, in no particular order.
 * - [DR-03] `read` gives a copy of the whole file, or undefined when there is none.
 * - [DR-04] `write` replaces the whole file by the parts, one after another.
 * - [DR-05] `remove` deletes the file, or does nothing when there is none.
 * - [DR-06] A folder that is opened again has the same files.
 * - [DR-07] `readPart` gives exactly the bytes asked for, or undefined when the file is missing or ends
 *   before.
 */
export interface Directory {
  list(): Promise<readonly string[]>;
  /** Throws StorageBusyError or StorageError. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** `length` bytes from `offset`, for files that no memory should hold whole. Throws StorageError. */
  readPart(name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Resolves once the parts are flushed to the medium. A crash before that may leave any prefix, or a file of
   * the right length whose end was never written. Throws StorageFullError, StorageBusyError or StorageError.
   */
  write(name: string, parts: readonly Uint8Array[]): Promise<void>;
  /** Throws StorageBusyError or StorageError. */
  remove(name: string): Promise<void>;
}

/** Storage refused or lost data. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError';
}

/** Storage has no room. Earlier saves are untouched. */
export class StorageFullError extends StorageError {
  override readonly name = 'StorageFullError';
  /** Bytes that were to be written. */
  readonly needed: number;
  constructor(needed: number, options?: ErrorOptions) {
    super(
      `Storage is full: ${describeBytes(needed)} could not be saved. Free some disk space, then continue; the last saved state is kept.`,
      options,
    );
    this.needed = needed;
  }
}

/** Another holder has locked the file: almost always a second tab of the same browser. */
export class StorageBusyError extends StorageError {
  override readonly name = 'StorageBusyError';
  constructor(options?: ErrorOptions) {
    super(
      'Starling is already open in another tab of this browser. Close that tab, or go on there.',
      options,
    );
  }
}

/** Every stored generation fails its checksum: the medium has lost data that was once written whole. */
export class StorageDamagedError extends StorageError {
  override readonly name = 'StorageDamagedError';
  constructor(what: string) {
    super(
      `The saved ${what} is damaged beyond repair. Restore it from a backup, or remove it to start again from the published model.`,
    );
  }
}

/** Throws StorageError for a name that could leave the folder, or that some file system would change. */
export function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9.-]{0,127}$/.test(name))
    throw new StorageError(`"${name}" cannot be a file name here.`);
}

/** A name that `checkName` accepts, from any text: "31337:0xab" becomes "31337-0xab". */
export function folderName(text: string): string {
  const name = text.toLowerCase().replaceAll(/[^a-z0-9.-]/g, '-');
  checkName(name);
  return name;
}

function describeBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
