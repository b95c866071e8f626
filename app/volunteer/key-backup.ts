/**
 * The text of a key backup: JSON that names itself and warns that whoever reads it can sign as the device.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { addressOf } from '../../protocol/device-key.ts';

/** The text is no backup of a device key, or a damaged one. The message names the remedy. */
export class KeyBackupError extends Error {
  override readonly name = 'KeyBackupError';
}

export interface KeyBackup {
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

const FORMAT = 'starling-device-key-1';

const WARNING =
  'Whoever reads this file can sign as this device. It is not encrypted. Starling support never asks for it.';

/** Longest text that is read. A real backup has about 400 characters. */
const MAX_LENGTH = 10_000;

/** Writes a backup. `createdAt` becomes an ISO 8601 time. */
export function encodeKeyBackup(backup: KeyBackup): string {
  const address = addressOf(secp256k1.getPublicKey(backup.secret, true));
  const content = {
    format: FORMAT,
    warning: WARNING,
    device: address,
    created: new Date(backup.createdAt).toISOString(),
    secret: bytesToHex(backup.secret),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Reads a backup and checks that its secret belongs to its device address. Throws KeyBackupError. */
export function decodeKeyBackup(text: string): KeyBackup {
  const content = parse(text);
  if (content.format !== FORMAT) {
    throw new KeyBackupError('This is not a Starling key backup. Choose the .json file that Starling saved.');
  }
  const { secret: hex, device, created } = content;
  if (typeof hex !== 'string' || !/^[0-9a-f]{64}$/.test(hex)) {
    throw new KeyBackupError('The backup’s secret is damaged. Use another copy of the file.');
  }
  const secret = new Uint8Array(hexToBytes(hex));
  if (!secp256k1.utils.isValidSecretKey(secret)) {
    throw new KeyBackupError('The backup’s secret is not a valid key. Use another copy of the file.');
  }
  if (addressOf(secp256k1.getPublicKey(secret, true)) !== device) {
    throw new KeyBackupError(
      'The backup’s secret and device address do not belong together. Use another copy of the file.',
    );
  }
  const createdAt = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return { secret, createdAt: Number.isFinite(createdAt) ? createdAt : 0 };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  if (text.length > MAX_LENGTH) throw new KeyBackupError('This file is too large to be a key backup.');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // The error below names the remedy.
  }
  throw new KeyBackupError(
    'This file cannot be read as a key backup. Choose the .json file that Starling saved.',
  );
}
