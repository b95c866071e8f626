import { fromHex, type Hex, toHex } from './hex.ts';

/**
 * A secret that was encrypted with a passphrase, as JSON says it. Everything but the passphrase is public.
 */
export interface EncryptedSecret {
  readonly kdf: {
    readonly name: 'PBKDF2';
    readonly hash: 'SHA-256';
    readonly iterations: number;
    /** 16 random bytes. */
    readonly salt: Hex;
  };
  readonly cipher: {
    readonly name: 'AES-256-GCM';
    /** 12 random bytes. */
    readonly nonce: Hex;
  };
  /** The encrypted bytes and the tag of 16 bytes after them. */
  readonly ciphertext: Hex;
}

/** The encrypted secret is malformed, or asks for more work than anybody needs. */
export class EncryptedSecretError extends Error {
  override readonly name = 'EncryptedSecretError';
}

/**
 * The passphrase is too short or too long to encrypt with, or not the one that the secret was encrypted with.
 */
export class PassphraseError extends Error {
  override readonly name = 'PassphraseError';
}

/** A secret, and what it is encrypted under. */
export interface EncryptSecretOptions {
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly passphrase: string;
  /** Text beside the secret that must not change either, such as the device that the secret belongs to. */
  readonly context: string;
  /** Fills an array with randomness. Defaults to the platform's `crypto.getRandomValues`. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

/** What a secret is read back from. */
export interface DecryptSecretOptions {
  /** Anything: every field is checked. */
  readonly encrypted: unknown;
  readonly passphrase: string;
  /** As it was when the secret was encrypted. */
  readonly context: string;
}

/** Characters that a new passphrase has at least. */
export const MIN_PASSPHRASE = 12;
const MAX_PASSPHRASE = 1024;

/** What OWASP's password storage cheat sheet asks of PBKDF2 with SHA-256; a quarter of a second. */
const ITERATIONS = 600_000;
/** Fewer would be guessed cheaply, and more would let a file hold up whoever opens it: seconds at most. */
const MIN_ITERATIONS = 100_000;
const MAX_ITERATIONS = 5_000_000;

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Most bytes of a secret. Keys have 32. */
const MAX_SECRET = 256;

/**
 * Encrypts a secret with a passphrase: AES-256-GCM (NIST SP 800-38D) under a key from PBKDF2 with SHA-256
 * (RFC 8018). The passphrase counts in Unicode's form NFKC, so that keyboards may differ. Throws
 * PassphraseError for a passphrase of fewer than MIN_PASSPHRASE characters.
 */
export async function encryptSecret(options: EncryptSecretOptions): Promise<EncryptedSecret> {
  const { secret, passphrase, context, random = (bytes) => crypto.getRandomValues(bytes) } = options;
  if (secret.length === 0 || secret.length > MAX_SECRET)
    throw new EncryptedSecretError(`A secret has 1 to ${MAX_SECRET} bytes.`);
  const problem = passphraseProblem(passphrase);
  if (problem !== null) throw new PassphraseError(problem);
  const salt = random(new Uint8Array(SALT_BYTES));
  const nonce = random(new Uint8Array(NONCE_BYTES));
  const key = await derivedKey(passphrase, salt, ITERATIONS);
  const ciphertext = await crypto.subtle.encrypt(gcm(nonce, context), key, secret);
  return {
    kdf: { name: 'PBKDF2', hash: 'SHA-256', iterations: ITERATIONS, salt: toHex(salt) },
    cipher: { name: 'AES-256-GCM', nonce: toHex(nonce) },
    ciphertext: toHex(new Uint8Array(ciphertext)),
  };
}

/**
 * Decrypts a secret. Throws EncryptedSecretError before any work is done for content that is malformed, and
 * PassphraseError when the passphrase is another one or anything was changed.
 */
export async function decryptSecret(options: DecryptSecretOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { encrypted, passphrase, context } = options;
  const { iterations, salt, nonce, ciphertext } = fieldsOf(encrypted);
  if (passphrase.length > MAX_PASSPHRASE) throw wrongPassphrase();
  const key = await derivedKey(passphrase, salt, iterations);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(gcm(nonce, context), key, ciphertext));
  } catch {
    throw wrongPassphrase();
  }
}

/** What is wrong with a passphrase to encrypt with, as a sentence; null when nothing is. */
export function passphraseProblem(passphrase: string): string | null {
  if (passphrase.normalize('NFKC').length < MIN_PASSPHRASE)
    return `The passphrase has fewer than ${MIN_PASSPHRASE} characters. Four random words make a good one.`;
  if (passphrase.length > MAX_PASSPHRASE) return `The passphrase has more than ${MAX_PASSPHRASE} characters.`;
  return null;
}

function wrongPassphrase(): PassphraseError {
  return new PassphraseError('That is not the passphrase of this key, or the file was changed. Try again.');
}

async function derivedKey(
  passphrase: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<CryptoKey> {
  const text = new TextEncoder().encode(passphrase.normalize('NFKC'));
  const base = await crypto.subtle.importKey('raw', text, 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

function gcm(nonce: Uint8Array<ArrayBuffer>, context: string): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: new TextEncoder().encode(context) };
}

function fieldsOf(encrypted: unknown) {
  const { kdf, cipher, ciphertext } = record(encrypted);
  const { name, hash, iterations, salt } = record(kdf);
  const { name: cipherName, nonce } = record(cipher);
  if (name !== 'PBKDF2' || hash !== 'SHA-256' || cipherName !== 'AES-256-GCM')
    throw new EncryptedSecretError(
      'The key was encrypted in a way that this version does not know. Use a newer version.',
    );
  if (typeof iterations !== 'number' || !Number.isInteger(iterations)) throw damaged();
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS)
    throw new EncryptedSecretError(
      `The file asks for ${iterations} iterations, and ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are allowed. Use a file that Starling saved.`,
    );
  return {
    iterations,
    salt: bytes(salt, SALT_BYTES, SALT_BYTES),
    nonce: bytes(nonce, NONCE_BYTES, NONCE_BYTES),
    ciphertext: bytes(ciphertext, TAG_BYTES + 1, TAG_BYTES + MAX_SECRET),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw damaged();
  return value as Readonly<Record<string, unknown>>;
}

/** The bytes of lower-case hexadecimal, of which there are `least` to `most`. */
function bytes(value: unknown, least: number, most: number): Uint8Array<ArrayBuffer> {
  if (typeof value !== 'string' || value.length > 2 + 2 * most || value.length < 2 + 2 * least)
    throw damaged();
  if (!/^0x(?:[0-9a-f]{2})+$/.test(value)) throw damaged();
  return new Uint8Array(fromHex(value));
}

function damaged(): EncryptedSecretError {
  return new EncryptedSecretError('The encrypted key is damaged. Use another copy of the file.');
}
