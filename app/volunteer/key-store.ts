import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { PageDatabase, StoredKey } from './page-database.ts';

const NAME = 'device';

/**
 * The stored device key, one per browser profile. Whoever loses it loses what the device has earned, so only
 * `replace` overwrites it.
 */
export class KeyStore {
  readonly #database: PageDatabase;

  constructor(database: PageDatabase) {
    this.#database = database;
  }

  /** The stored key, or null before the first contribution. */
  async read(): Promise<StoredKey | null> {
    return (await this.#database.get('keys', NAME)) ?? null;
  }

  /**
   * The stored key, which is made first where there is none. Two tabs that call this at once get the same
   * key. `now` is Unix milliseconds.
   */
  async readOrCreate(now: number): Promise<StoredKey> {
    const fresh: StoredKey = {
      secret: new Uint8Array(secp256k1.utils.randomSecretKey()),
      createdAt: now,
      backedUp: false,
    };
    const transaction = this.#database.transaction('keys', 'readwrite', { durability: 'strict' });
    const known = await transaction.store.get(NAME);
    if (known === undefined) await transaction.store.put(fresh, NAME);
    await transaction.done;
    return known ?? fresh;
  }

  /** Stores a restored key in place of the present one. */
  async replace(secret: Uint8Array<ArrayBuffer>, createdAt: number): Promise<void> {
    const transaction = this.#database.transaction('keys', 'readwrite', { durability: 'strict' });
    await transaction.store.put({ secret, createdAt, backedUp: true }, NAME);
    await transaction.done;
  }

  /** Remembers that a copy was saved. */
  async markBackedUp(): Promise<void> {
    const key = await this.read();
    if (key !== null) await this.#database.put('keys', { ...key, backedUp: true }, NAME);
  }
}
