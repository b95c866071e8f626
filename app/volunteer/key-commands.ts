import { type DeviceAddress, type Hex, toHex } from '../../protocol/hex.ts';
import type { VolunteerDependencies } from './dependencies.ts';
import type { Device } from './device.ts';
import { KeyBackupError } from './key-backup.ts';
import type { HeldFunds, KeyPort, SweepRequest } from './key-port.ts';

export interface KeyCommandsOptions {
  /** Throws while the page has not opened its storage. */
  readonly device: () => Device;
  readonly dependencies: Pick<VolunteerDependencies, 'keyFunds' | 'sweepKey'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Why the key cannot be exchanged now, as a sentence; null when it can. */
  readonly inUse: () => string | null;
  /** Stops everything else of this tab that signs with the key. */
  readonly onKeyLost: () => Promise<void>;
}

/** Replaced keys whose funds are asked for, the newest first. */
const MOST_EARLIER = 16;

/** The key cannot be exchanged now. The message names the remedy. */
export class KeyInUseError extends Error {
  override readonly name = 'KeyInUseError';
}

/** What a person may do with the device key: save it, exchange it, and send its coin away. */
export class KeyCommands implements KeyPort {
  readonly #options: KeyCommandsOptions;

  constructor(options: KeyCommandsOptions) {
    this.#options = options;
  }

  backUp(passphrase: string): Promise<string> {
    return this.#device.backUp(passphrase);
  }

  async restore(text: string, passphrase: string | null): Promise<{ readonly encrypted: boolean }> {
    const inUse = this.#options.inUse();
    if (inUse !== null) throw new KeyBackupError(inUse);
    const restored = await this.#device.restore(text, passphrase);
    await this.#options.onKeyLost();
    return restored;
  }

  async rotate(): Promise<void> {
    const { inUse, now, onKeyLost } = this.#options;
    const reason = inUse();
    if (reason !== null) throw new KeyInUseError(reason);
    const network = await this.#device.network();
    const { address } = this.#device.key;
    const { bonded } = await this.#options.dependencies.keyFunds({ network, address }).catch((cause) => {
      throw new KeyInUseError(
        'The chain does not answer, so nobody can say whether bonds need this key. Try again when it does.',
        { cause },
      );
    });
    if (bonded > 0n)
      throw new KeyInUseError(
        'Bonds of this key are at stake, and only it can defend them. Make a new key once they are decided.',
      );
    await onKeyLost();
    await this.#device.rotate(now());
  }

  async funds(): Promise<readonly HeldFunds[]> {
    const network = await this.#device.network();
    const { key } = this.#device;
    const earlier = (await this.#device.retired()).slice(0, MOST_EARLIER);
    return Promise.all(
      [key.address, ...earlier].map(async (address) => ({
        address,
        ...(await this.#options.dependencies.keyFunds({ network, address })),
      })),
    );
  }

  async sweep({ from, to }: SweepRequest): Promise<bigint> {
    const network = await this.#device.network();
    const secret = await this.#secretOf(from);
    // What else sends from this account would take the same places in its order.
    if (from === this.#device.key.address) await this.#options.onKeyLost();
    return this.#options.dependencies.sweepKey({ network, secret, to });
  }

  get #device(): Device {
    return this.#options.device();
  }

  async #secretOf(address: DeviceAddress): Promise<Hex> {
    const { key } = this.#device;
    if (address === key.address) return toHex(key.secret);
    const secret = await this.#device.retiredSecret(address);
    if (secret === null) throw new Error('That key is not on this device. Restore it from its backup first.');
    return toHex(secret);
  }
}
