import type { DeviceAddress, Hex } from '../../protocol/hex.ts';

/** What a key of this device has on the chain, in wei. Names are those of chain/key-funds.ts. */
export interface HeldFunds {
  readonly address: DeviceAddress;
  readonly balance: bigint;
  readonly credit: bigint;
  readonly bonded: bigint;
}

export interface SweepRequest {
  /** The present key, or one that it replaced. */
  readonly from: DeviceAddress;
  /** Who gets the coin. */
  readonly to: Hex;
}

/** What the screen may ask about the device key. `KeyCommands` is the real one. */
export interface KeyPort {
  /**
   * The text of a backup file, encrypted with the passphrase. Throws BackupPassphraseError for a short one,
   * and KeyBackupError when there is no key.
   */
  backUp(passphrase: string): Promise<string>;
  /**
   * Replaces the key, and keeps the one before. Tells whether the file was encrypted, as those of earlier
   * versions are not. Throws BackupPassphraseError for a missing or wrong passphrase, and KeyBackupError on
   * anything that is no backup, while contributing, and while the present key has no copy.
   */
  restore(text: string, passphrase: string | null): Promise<{ readonly encrypted: boolean }>;
  /**
   * Makes a new key, and keeps the one before. Throws KeyInUseError while contributing, while bonds depend on
   * the key, and when the chain cannot say so.
   */
  rotate(): Promise<void>;
  /**
   * What the present key has on the chain, and then the newest 16 of those that it replaced. Throws
   * ChainError.
   */
  funds(): Promise<readonly HeldFunds[]>;
  /**
   * Sends everything that a key holds, but the price of sending. Jobs and checks stop meanwhile. Returns the
   * wei that were sent. Throws ChainError.
   */
  sweep(request: SweepRequest): Promise<bigint>;
}
