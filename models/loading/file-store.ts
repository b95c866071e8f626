/** Folders of large files that are written and read in pieces. */

/** An open file. */
export interface StoredFile {
  /** Its size in bytes. */
  size(): Promise<number>;
  /** Throws StorageError when the file ends before the requested bytes. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Throws StorageFullError when there is no room. What was there before stays. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Cuts the file to `size` bytes, or extends it with zeros. Throws StorageFullError when there is no room.
   */
  truncate(size: number): Promise<void>;
  /** Resolves once everything written is on the medium. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A flat folder with one writer at a time: in the browser's private file system, on a disk, or in memory.
 * testing/file-store-contract.ts tests its rules:
 *
 * - [FS-01] `open` gives undefined for a missing file, or with `create` a new empty one. It keeps an existing
 *   file.
 * - [FS-02] `open` and `remove` throw ModelLoadError for a name that `isFileName` refuses.
 * - [FS-03] A file's `read` gives exactly the requested bytes.
 * - [FS-04] A file's `write` may start anywhere up to the end of the file, and may overwrite and extend it.
 * - [FS-05] A file's `truncate` cuts it, or extends it with zeros.
 * - [FS-06] `list` gives the names of the files, in no particular order.
 * - [FS-07] `remove` deletes a file, or does nothing when there is none.
 * - [FS-08] A folder that is opened again has everything that was flushed.
 */
export interface FileStore {
  /** The place in words, for error messages. */
  readonly description: string;
  list(): Promise<readonly string[]>;
  /** Opens a file for reading and writing. Throws StorageError. */
  open(name: string, options?: { readonly create?: boolean }): Promise<StoredFile | undefined>;
  /** Throws StorageError. */
  remove(name: string): Promise<void>;
}
