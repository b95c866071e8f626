import { secp256k1 } from '@noble/curves/secp256k1.js';
import { addressOf } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import {
  KeyWrappingError,
  newWrappingKey,
  unwrapSecret,
  type WrappedSecret,
  wrapSecret,
} from './key-wrapping.ts';
import type { KeyRecord, PageDatabase } from './page-database.ts';

/** A device key as the page uses it. */
export interface StoredKey {
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly backedUp: boolean;
  /** Whether the stored bytes are encrypted. False where the browser keeps no wrapping key. */
  readonly encrypted: boolean;
}

const NAME = 'device';
const STRICT = { durability: 'strict' } as const;

/**
 * The stored device key, one per browser profile, and those that it replaced. Whoever loses one loses what
 * the device has earned, so nothing here deletes a secret.
 */
export class KeyStore {
  readonly #database: PageDatabase;

  constructor(database: PageDatabase) {
    this.#database = database;
  }

  /**
   * The stored key, or null before the first contribution. Encrypts a key that an earlier version stored as
   * plain bytes. Throws KeyWrappingError when it cannot be decrypted.
   */
  async read(): Promise<StoredKey | null> {
    const record = await this.#database.get('keys', NAME);
    if (record === undefined) return null;
    return 'secret' in record ? this.#encryptPlain(record) : this.#opened(record);
  }

  /**
   * The stored key, which is made first where there is none. Two tabs that call this at once get the same
   * key. `now` is Unix milliseconds.
   */
  async readOrCreate(now: number): Promise<StoredKey> {
    const known = await this.read();
    if (known !== null) return known;
    const record = await this.#recordOf({ secret: newSecret(), createdAt: now, backedUp: false });
    const transaction = this.#database.transaction('keys', 'readwrite', STRICT);
    const other = await transaction.store.get(NAME);
    if (other === undefined) await transaction.store.put(record, NAME);
    await transaction.done;
    return this.#opened(other ?? record);
  }

  /** Stores a restored key in place of the present one, which is kept among the retired ones. */
  async replace(secret: Uint8Array<ArrayBuffer>, createdAt: number): Promise<StoredKey> {
    return this.#succeed({ secret, createdAt, backedUp: true });
  }

  /** Makes a new key in place of the present one, which is kept among the retired ones. */
  async rotate(now: number): Promise<StoredKey> {
    return this.#succeed({ secret: newSecret(), createdAt: now, backedUp: false });
  }

  /** Remembers that a copy was saved. */
  async markBackedUp(): Promise<void> {
    const transaction = this.#database.transaction('keys', 'readwrite', STRICT);
    const record = await transaction.store.get(NAME);
    if (record !== undefined) await transaction.store.put({ ...record, backedUp: true }, NAME);
    await transaction.done;
  }

  /** Addresses of the keys that were replaced, the newest first. */
  async retired(): Promise<readonly DeviceAddress[]> {
    const store = this.#database.transaction('retiredKeys').store;
    const [names, records] = await Promise.all([store.getAllKeys(), store.getAll()]);
    return names
      .map((name, index) => ({ address: name as DeviceAddress, createdAt: records[index]?.createdAt ?? 0 }))
      .sort((one, other) => other.createdAt - one.createdAt)
      .map(({ address }) => address);
  }

  /** A key that was replaced; null when it is not here. Throws KeyWrappingError. */
  async readRetired(address: DeviceAddress): Promise<StoredKey | null> {
    const record = await this.#database.get('retiredKeys', address);
    return record === undefined ? null : this.#opened(record);
  }

  async #succeed(next: Omit<StoredKey, 'encrypted'>): Promise<StoredKey> {
    const record = await this.#recordOf(next);
    const present = await this.read();
    const address = present === null ? null : addressOfSecret(present.secret);
    const transaction = this.#database.transaction(['keys', 'retiredKeys'], 'readwrite', STRICT);
    const keys = transaction.objectStore('keys');
    const retired = transaction.objectStore('retiredKeys');
    const replaced = await keys.get(NAME);
    if (replaced !== undefined && address !== null) await retired.put(replaced, address);
    await retired.delete(addressOfSecret(next.secret));
    await keys.put(record, NAME);
    await transaction.done;
    return this.#opened(record);
  }

  /**
   * Puts an encrypted record in the place of a plain one once what is stored was decrypted to the same bytes.
   * Where that fails the plain record stays, so that nothing is lost.
   */
  async #encryptPlain(plain: KeyRecord & { readonly secret: Uint8Array<ArrayBuffer> }): Promise<StoredKey> {
    const { createdAt, backedUp } = plain;
    const record = await this.#recordOf(plain);
    if ('secret' in record) return { ...plain, encrypted: false };
    const transaction = this.#database.transaction('keys', 'readwrite', STRICT);
    const now = await transaction.store.get(NAME);
    // Another tab may have encrypted or replaced it meanwhile.
    const isSame = now !== undefined && 'secret' in now && isEqual(now.secret, plain.secret);
    if (isSame) await transaction.store.put(record, NAME);
    await transaction.done;
    if (!isSame && now !== undefined) return this.#opened(now);
    const stored = await this.#database.get('keys', NAME);
    const opened = stored === undefined ? null : await this.#opened(stored).catch(() => null);
    if (opened !== null && isEqual(opened.secret, plain.secret)) return opened;
    await this.#database.put('keys', { secret: plain.secret, createdAt, backedUp }, NAME);
    return { ...plain, encrypted: false };
  }

  /** How a key is to be stored: encrypted, or plain where the browser keeps no wrapping key. */
  async #recordOf(key: Omit<StoredKey, 'encrypted'>): Promise<KeyRecord> {
    const { secret, createdAt, backedUp } = key;
    const wrapped = await this.#wrapped(secret).catch(() => null);
    return wrapped === null ? { secret, createdAt, backedUp } : { wrapped, createdAt, backedUp };
  }

  /** The secret under the wrapping key as the database gives it back. Throws where that cannot be done. */
  async #wrapped(secret: Uint8Array<ArrayBuffer>): Promise<WrappedSecret> {
    if ((await this.#database.get('wrappingKeys', NAME)) === undefined) {
      const fresh = await newWrappingKey();
      const transaction = this.#database.transaction('wrappingKeys', 'readwrite', STRICT);
      // Private windows of some browsers throw here: they store no CryptoKey.
      const isFirst = (await transaction.store.get(NAME)) === undefined;
      await Promise.all([isFirst ? transaction.store.put(fresh, NAME) : undefined, transaction.done]);
    }
    const wrappingKey = await this.#wrappingKey();
    const wrapped = await wrapSecret(wrappingKey, secret);
    if (!isEqual(await unwrapSecret(wrappingKey, wrapped), secret)) throw damaged();
    return wrapped;
  }

  async #wrappingKey(): Promise<CryptoKey> {
    const key = await this.#database.get('wrappingKeys', NAME);
    if (key === undefined || key.extractable) throw damaged();
    return key;
  }

  async #opened(record: KeyRecord): Promise<StoredKey> {
    const { createdAt, backedUp } = record;
    if ('secret' in record) return { secret: record.secret, createdAt, backedUp, encrypted: false };
    const secret = await unwrapSecret(await this.#wrappingKey(), record.wrapped);
    return { secret, createdAt, backedUp, encrypted: true };
  }
}

function newSecret(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(secp256k1.utils.randomSecretKey());
}

function addressOfSecret(secret: Uint8Array): DeviceAddress {
  return addressOf(secp256k1.getPublicKey(secret, true));
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function damaged(): KeyWrappingError {
  return new KeyWrappingError('The key that encrypts the stored key is gone. Restore it from its backup.');
}
