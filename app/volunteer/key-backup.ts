/**
 * The text of a key backup: JSON that names itself and its device, with the secret encrypted under a
 * passphrase.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import { addressOf } from '../../protocol/device-key.ts';
import {
  decryptSecret,
  EncryptedSecretError,
  encryptSecret,
  PassphraseError,
} from '../../protocol/passphrase-encryption.ts';

/** The text is no backup of a device key, or a damaged one. The message names the remedy. */
export class KeyBackupError extends Error {
  override readonly name: string = 'KeyBackupError';
}

/** The backup is encrypted, and the passphrase is missing or wrong. */
export class BackupPassphraseError extends KeyBackupError {
  override readonly name = 'BackupPassphraseError';
}

export interface KeyBackup {
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

export interface OpenedBackup extends KeyBackup {
  /** Whether the file was encrypted. Files of earlier versions were not. */
  readonly encrypted: boolean;
}

const FORMAT = 'starling-device-key-2';
/** Earlier versions wrote the secret as plain hexadecimal. */
const PLAIN_FORMAT = 'starling-device-key-1';

const WARNING =
  'Whoever has this file and its passphrase can sign as this device and spend its coin. Starling support never asks for either.';

/** Longest text that is read, in characters. A real backup has about 700. */
export const MAX_BACKUP = 10_000;

/**
 * Writes a backup. `createdAt` becomes an ISO 8601 time. Throws BackupPassphraseError for a passphrase that
 * is too short.
 */
export async function encodeKeyBackup(backup: KeyBackup, passphrase: string): Promise<string> {
  const device = addressOf(secp256k1.getPublicKey(backup.secret, true));
  const created = new Date(backup.createdAt).toISOString();
  const { secret } = backup;
  try {
    const encrypted = await encryptSecret({ secret, passphrase, context: contextOf(device, created) });
    const content = { format: FORMAT, warning: WARNING, device, created, encrypted };
    return `${JSON.stringify(content, null, 2)}\n`;
  } catch (error) {
    throw inWords(error);
  }
}

/** Whether a text says that it is an encrypted backup, so that a passphrase has to be asked for. */
export function needsPassphrase(text: string): boolean {
  return parse(text).format === FORMAT;
}

/**
 * Reads a backup and checks that its secret belongs to its device address. The passphrase is not looked at
 * for a plain backup of an earlier version. Throws BackupPassphraseError for a missing or wrong passphrase,
 * and KeyBackupError for everything else.
 */
export async function decodeKeyBackup(text: string, passphrase: string | null): Promise<OpenedBackup> {
  const content = parse(text);
  const { format, device, created } = content;
  if (format !== FORMAT && format !== PLAIN_FORMAT)
    throw new KeyBackupError('This is not a Starling key backup. Choose the .json file that Starling saved.');
  const encrypted = format === FORMAT;
  const secret = encrypted ? await decrypted(content, passphrase) : plainSecret(content.secret);
  if (!secp256k1.utils.isValidSecretKey(secret))
    throw new KeyBackupError('The backup’s secret is not a valid key. Use another copy of the file.');
  if (addressOf(secp256k1.getPublicKey(secret, true)) !== device)
    throw new KeyBackupError(
      'The backup’s secret and device address do not belong together. Use another copy of the file.',
    );
  const createdAt = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return { secret, createdAt: Number.isFinite(createdAt) ? createdAt : 0, encrypted };
}

async function decrypted(
  content: Readonly<Record<string, unknown>>,
  passphrase: string | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const { device, created, encrypted } = content;
  if (typeof device !== 'string' || typeof created !== 'string')
    throw new KeyBackupError('The backup names no device or no time. Use another copy of the file.');
  if (passphrase === null || passphrase === '')
    throw new BackupPassphraseError('This backup is encrypted. Type the passphrase that it was saved with.');
  try {
    return await decryptSecret({
      encrypted,
      passphrase,
      context: contextOf(device, created),
    });
  } catch (error) {
    throw inWords(error);
  }
}

function plainSecret(hex: unknown): Uint8Array<ArrayBuffer> {
  if (typeof hex !== 'string' || !/^[0-9a-f]{64}$/.test(hex))
    throw new KeyBackupError('The backup’s secret is damaged. Use another copy of the file.');
  return new Uint8Array(hexToBytes(hex));
}

/** What is authenticated beside the secret, so that no field of the file can be exchanged. */
function contextOf(device: string, created: string): string {
  return `${FORMAT}\n${device}\n${created}`;
}

function inWords(error: unknown): unknown {
  if (error instanceof PassphraseError) return new BackupPassphraseError(error.message, { cause: error });
  if (error instanceof EncryptedSecretError) return new KeyBackupError(error.message, { cause: error });
  return error;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  if (text.length > MAX_BACKUP) throw new KeyBackupError('This file is too large to be a key backup.');
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
