/** The folders of the models that were downloaded to this device, one folder for each model. */
import type { FileStore } from './file-store.ts';

export interface ModelDirectory {
  /** Names of the folders, as `checkName` allows. */
  list(): Promise<readonly string[]>;
  /** Opens a folder, and makes it on first use. Throws StorageError. */
  open(folder: string): Promise<FileStore>;
  /** Bytes that the folder's files take now. */
  bytes(folder: string): Promise<number>;
  /** Deletes a folder with everything in it. Throws StorageBusyError while one of its files is open. */
  remove(folder: string): Promise<void>;
}
