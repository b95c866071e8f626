/** The folders of the models that were downloaded to this device, one folder for each model. */
import type { ByteReader } from '../checkpoint/safetensors-reader.ts';
import type { FileStore } from './file-store.ts';

export interface ModelDirectory {
  /** Names of the folders, as `checkName` allows. */
  list(): Promise<readonly string[]>;
  /** Opens a folder, and makes it on first use. Throws StorageError. */
  open(folder: string): Promise<FileStore>;
  /**
   * A file of a folder to read, without a lock, so that several workers may read it at once. Undefined when
   * there is none. Reading throws ModelLoadError once the file was changed or deleted.
   */
  reader(folder: string, name: string): Promise<ByteReader | undefined>;
  /** Bytes that the folder's files take now. */
  bytes(folder: string): Promise<number>;
  /** Deletes a folder with everything in it. Throws StorageBusyError while one of its files is open. */
  remove(folder: string): Promise<void>;
}
