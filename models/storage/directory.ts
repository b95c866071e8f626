/**
 * A flat folder of small-numbered files: all that durable storage asks of a browser's origin-private file system or of a
 * disk. Names are plain (`[a-z0-9.-]+`), one writer at a time.
 */
export interface Directory {
  /** Names of the files that exist, in no particular order. */
  list(): Promise<readonly string[]>;
  /** The whole file, or undefined when there is none. Throws StorageBusyError or StorageError. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Replaces the file by the parts, one after another, and resolves once they are flushed to the medium. A crash before
   * that may leave any prefix, or a file of the right length whose end was never written.
   * Throws StorageFullError, StorageBusyError or StorageError.
   */
  write(name: string, parts: readonly Uint8Array[]): Promise<void>;
  /** Deletes the file; nothing happens when there is none. */
  remove(name: string): Promise<void>;
}

/** Storage refused or lost something. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError';
}

/** No room. What was stored before is untouched. */
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

/** Someone else holds the file: almost always a second tab of the same browser. */
export class StorageBusyError extends StorageError {
  override readonly name = 'StorageBusyError';
  constructor(options?: ErrorOptions) {
    super(
      'Starling is already open in another tab of this browser. Close that tab, or go on there.',
      options,
    );
  }
}

/** Every stored generation fails its checksum: the medium lost data that was once written whole. */
export class StorageDamagedError extends StorageError {
  override readonly name = 'StorageDamagedError';
  constructor(what: string) {
    super(
      `The saved ${what} is damaged beyond repair. Restore it from a backup, or remove it to start again from the published model.`,
    );
  }
}

/** Refuses a name that could leave the folder or that some file system would mangle. */
export function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9.-]{0,127}$/.test(name))
    throw new StorageError(`"${name}" cannot be a file name here.`);
}

/** A name that `checkName` takes, from one that may have other characters: "31337:0xab" becomes "31337-0xab". */
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
