import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { PageDatabase, StoredKey } from './page-database.ts';

const NAME = 'device';

/**
 * The device key at rest. One per browser profile; losing it loses what the device earned, so it is never
 * overwritten silently.
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
   * The stored key; makes and stores one first where there is none. Two tabs asking at once get the same one.
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

  /** Puts a restored key in place of whatever is there. */
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
