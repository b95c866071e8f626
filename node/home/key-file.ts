import { randomBytes } from 'node:crypto';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { readIfThere, writeWhole } from './files.ts';

/** The key file says something that is no key. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

/**
 * 32 secret bytes kept as hexadecimal in a file that only its owner may read; made on first use. Throws
 * KeyFileError.
 */
export async function secretFile(path: string): Promise<Uint8Array> {
  const kept = await readIfThere(path);
  if (kept !== undefined) {
    const text = new TextDecoder().decode(kept).trim();
    if (!/^0x[0-9a-f]{64}$/.test(text))
      throw new KeyFileError(
        `${path} holds no key. Put the right file back, or move it away to start with a new key.`,
      );
    return fromHex(text);
  }
  const secret = new Uint8Array(randomBytes(32));
  await writeWhole(path, `${toHex(secret)}\n`, 0o600);
  return secret;
}

/** The device key kept in a file; made on first use. Throws KeyFileError. */
export async function deviceKeyFile(path: string): Promise<DeviceKey> {
  return deviceKey(await secretFile(path));
}
