/**
 * A flat folder of files with one writer at a time, as `Directory` of models/storage is: a browser's
 * origin-private file system, a disk, or memory. Its rules [DR-01] to [DR-06] hold here. `write` resolves
 * once the bytes are flushed. A crash before that may leave any prefix of the file, or zeros.
 */
export interface BlockFiles {
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, parts: readonly Uint8Array[]): Promise<void>;
  remove(name: string): Promise<void>;
}

/** A device cannot keep a block. The message says why and what to do. */
export class BlockStoreError extends Error {
  override readonly name: string = 'BlockStoreError';
}

/** A device has no room for a block. What it kept before is untouched. */
export class BlockStoreFullError extends BlockStoreError {
  override readonly name = 'BlockStoreFullError';
  /** Bytes that the block needs, and bytes that were left. */
  readonly needed: number;
  readonly left: number;
  constructor(needed: number, left: number, options?: ErrorOptions) {
    super(
      `This device has ${megabytes(left)} left for blocks, and ${megabytes(needed)} are needed. ` +
        'Free some disk space or raise the limit; another device keeps the block until then.',
      options,
    );
    this.needed = needed;
    this.left = left;
  }
}

/** The name of an error. A store of models/storage is of another room, so `instanceof` cannot tell. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && error.name === 'StorageFullError';
}

/** Bytes in words, rounded up to a tenth of a megabyte. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e5) / 10} MB`;
}
