import { type DeviceAddress, type Hex, toHex } from '../../protocol/hex.ts';
import type { VolunteerDependencies } from './dependencies.ts';
import type { Device } from './device.ts';
import { KeyBackupError } from './key-backup.ts';
import type { HeldFunds, KeyPort, SweepRequest } from './key-port.ts';

export interface KeyCommandsOptions {
  /** The device once its storage is open. Rejects where that takes too long. */
  readonly device: () => Promise<Device>;
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

  async backUp(passphrase: string): Promise<string> {
    return (await this.#options.device()).backUp(passphrase);
  }

  async restore(text: string, passphrase: string | null): Promise<{ readonly encrypted: boolean }> {
    const device = await this.#options.device();
    const inUse = this.#options.inUse();
    if (inUse !== null) throw new KeyBackupError(inUse);
    const restored = await device.restore(text, passphrase);
    await this.#options.onKeyLost();
    return restored;
  }

  async rotate(): Promise<void> {
    const { inUse, now, onKeyLost } = this.#options;
    const device = await this.#options.device();
    const reason = inUse();
    if (reason !== null) throw new KeyInUseError(reason);
    const network = await device.network();
    const { address } = device.key;
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
    await device.rotate(now());
  }

  async funds(): Promise<readonly HeldFunds[]> {
    const device = await this.#options.device();
    const network = await device.network();
    const { key } = device;
    const earlier = (await device.retired()).slice(0, MOST_EARLIER);
    return Promise.all(
      [key.address, ...earlier].map(async (address) => ({
        address,
        ...(await this.#options.dependencies.keyFunds({ network, address })),
      })),
    );
  }

  async sweep({ from, to }: SweepRequest): Promise<bigint> {
    const device = await this.#options.device();
    const network = await device.network();
    const secret = await secretOf(device, from);
    // What else sends from this account would take the same places in its order.
    if (from === device.key.address) await this.#options.onKeyLost();
    return this.#options.dependencies.sweepKey({ network, secret, to });
  }
}

async function secretOf(device: Device, address: DeviceAddress): Promise<Hex> {
  const { key } = device;
  if (address === key.address) return toHex(key.secret);
  const secret = await device.retiredSecret(address);
  if (secret === null) throw new Error('That key is not on this device. Restore it from its backup first.');
  return toHex(secret);
}
