/**
 * A folder of large files that are written and read in pieces: in the browser's private file system, on a disk, or in
 * memory. testing/file-store-contract.ts tests the rules of this file.
 */

/** An open file. */
export interface StoredFile {
  /** Its size in bytes. */
  size(): Promise<number>;
  /** [FS-03] Exactly `length` bytes from `offset`. Throws StorageError when the file ends before them. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** [FS-04] Writes at `offset`, which may be the end of the file. Throws StorageFullError when there is no room. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** [FS-05] Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** [FS-08] Resolves once everything written is on the medium: a store that is opened again has it. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A flat folder with one writer at a time. */
export interface FileStore {
  /** The place in words, for error messages. */
  readonly description: string;
  /** [FS-06] Names of the files, in no particular order. */
  list(): Promise<readonly string[]>;
  /**
   * [FS-01] Opens a file for reading and writing. Returns undefined when there is no such file, unless `create` is set.
   * [FS-02] Throws ModelLoadError for a name that `isFileName` refuses.
   */
  open(name: string, options?: { readonly create?: boolean }): Promise<StoredFile | undefined>;
  /** [FS-07] Deletes a file. Does nothing when there is none. [FS-02] applies to its name. */
  remove(name: string): Promise<void>;
}
