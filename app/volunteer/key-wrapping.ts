/**
 * Encrypts secrets for the browser's storage under a key whose bytes no script can read (Web Cryptography,
 * "extractable" false). A copy of the storage's files without the browser's own key material is of no use
 * then. A script that runs as this page can still ask for the plain secret.
 */

/** A secret under the wrapping key of this browser profile. */
export interface WrappedSecret {
  /** 12 random bytes. */
  readonly nonce: Uint8Array<ArrayBuffer>;
  /** The encrypted bytes and the tag of 16 bytes after them. */
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** The stored key cannot be decrypted. The message names the remedy. */
export class KeyWrappingError extends Error {
  override readonly name = 'KeyWrappingError';
}

const ALGORITHM = { name: 'AES-GCM', length: 256 } as const;

/** A new wrapping key. Throws where the browser has no Web Cryptography, as at an insecure address. */
export function newWrappingKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey(ALGORITHM, false, ['encrypt', 'decrypt']);
}

/** Encrypts a secret (AES-256-GCM). Every call uses a nonce of its own. */
export async function wrapSecret(
  wrappingKey: CryptoKey,
  secret: Uint8Array<ArrayBuffer>,
): Promise<WrappedSecret> {
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, wrappingKey, secret);
  return { nonce, ciphertext: new Uint8Array(ciphertext) };
}

/** Decrypts a secret. Throws KeyWrappingError when it was changed or belongs to another wrapping key. */
export async function unwrapSecret(
  wrappingKey: CryptoKey,
  { nonce, ciphertext }: WrappedSecret,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const algorithm = { name: 'AES-GCM', iv: nonce };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, wrappingKey, ciphertext));
  } catch (cause) {
    throw new KeyWrappingError('The stored key is damaged. Restore it from its backup.', { cause });
  }
}
