import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import {
  decryptSecret,
  EncryptedSecretError,
  encryptSecret,
  PassphraseError,
} from '../../protocol/passphrase-encryption.ts';
import { readIfThere, writeWhole } from './files.ts';

/** The key file says something that is no key, or cannot be opened. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

export interface KeyFileOptions {
  /**
   * The passphrase that key files are encrypted with; undefined for plain ones. Defaults to the first line of
   * the file that $STARLING_KEY_PASSPHRASE_FILE names, else to $STARLING_KEY_PASSPHRASE, else to none.
   */
  readonly passphrase?: string | undefined;
}

const FORMAT = 'starling-key-file-1';
/** Longest key file that is read, in bytes. A real one has about 500. */
const MAX_BYTES = 10_000;
/** Whoever may read it but its owner. */
const OTHERS = 0o077;

/**
 * 32 secret bytes kept in a file that only its owner may read, in a folder of the same kind where there was
 * none; made on first use. With a passphrase the file is encrypted, also one that was plain before. Without
 * one it is hexadecimal. Throws KeyFileError.
 */
export async function secretFile(path: string, options: KeyFileOptions = {}): Promise<Uint8Array> {
  const passphrase = 'passphrase' in options ? options.passphrase : await passphraseOfEnvironment();
  const kept = await readIfThere(path);
  if (kept === undefined) {
    const secret = new Uint8Array(randomBytes(32));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await write(path, secret, passphrase);
    return secret;
  }
  if (((await stat(path)).mode & OTHERS) !== 0) await chmod(path, 0o600);
  if (kept.length > MAX_BYTES) throw noKey(path);
  const text = new TextDecoder().decode(kept).trim();
  if (/^0x[0-9a-f]{64}$/.test(text)) {
    const secret = new Uint8Array(fromHex(text));
    if (passphrase !== undefined) await write(path, secret, passphrase);
    return secret;
  }
  return decrypted(path, text, passphrase);
}

/** The device key kept in a file; made on first use. Throws KeyFileError. */
export async function deviceKeyFile(path: string, options: KeyFileOptions = {}): Promise<DeviceKey> {
  return deviceKey(await secretFile(path, options));
}

/** Writes the secret, and with a passphrase only what was seen to give it back. */
async function write(
  path: string,
  secret: Uint8Array<ArrayBuffer>,
  passphrase: string | undefined,
): Promise<void> {
  if (passphrase === undefined) return writeWhole(path, `${toHex(secret)}\n`, 0o600);
  try {
    const encrypted = await encryptSecret({ secret, passphrase, context: FORMAT });
    const back = await decryptSecret({ encrypted, passphrase, context: FORMAT });
    if (toHex(back) !== toHex(secret))
      throw new EncryptedSecretError('The key was not encrypted. Try again.');
    await writeWhole(path, `${JSON.stringify({ format: FORMAT, encrypted }, null, 2)}\n`, 0o600);
  } catch (error) {
    throw inWords(path, error);
  }
}

async function decrypted(path: string, text: string, passphrase: string | undefined): Promise<Uint8Array> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw noKey(path);
  }
  if (typeof content !== 'object' || content === null) throw noKey(path);
  if (!('format' in content) || content.format !== FORMAT || !('encrypted' in content)) throw noKey(path);
  if (passphrase === undefined)
    throw new KeyFileError(
      `${path} is encrypted. Name the file with its passphrase in STARLING_KEY_PASSPHRASE_FILE.`,
    );
  try {
    const secret = await decryptSecret({ encrypted: content.encrypted, passphrase, context: FORMAT });
    if (secret.length !== 32) throw noKey(path);
    return secret;
  } catch (error) {
    throw inWords(path, error);
  }
}

async function passphraseOfEnvironment(): Promise<string | undefined> {
  const { STARLING_KEY_PASSPHRASE_FILE: file, STARLING_KEY_PASSPHRASE: text } = process.env;
  if (file === undefined || file === '') return text === '' ? undefined : text;
  const [line = ''] = (
    await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new KeyFileError(`${file} cannot be read. STARLING_KEY_PASSPHRASE_FILE has to name a file.`, {
        cause,
      });
    })
  ).split(/\r?\n/);
  if (line === '') throw new KeyFileError(`${file} is empty. Its first line has to be the passphrase.`);
  return line;
}

function inWords(path: string, error: unknown): unknown {
  if (!(error instanceof PassphraseError || error instanceof EncryptedSecretError)) return error;
  return new KeyFileError(`${path}: ${error.message}`, { cause: error });
}

function noKey(path: string): KeyFileError {
  return new KeyFileError(
    `${path} holds no key. Put the right file back, or move it away to start with a new key.`,
  );
}
