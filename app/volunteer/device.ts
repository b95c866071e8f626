import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { fetchNetwork, type Network } from '../../protocol/network-file.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import { networkId } from '../../swarm/network-id.ts';
import { DeviceRecords } from './device-records.ts';
import { KeptFiles } from './kept-files.ts';
import { decodeKeyBackup, encodeKeyBackup, KeyBackupError } from './key-backup.ts';
import { KeyStore, type StoredKey } from './key-store.ts';
import type { PageDatabase } from './page-database.ts';
import { HISTORY_ROUNDS } from './reduce-records.ts';
import type { ModelReport, RoundRecord, Totals, VolunteerEvent } from './volunteer-events.ts';
import type { SignedDelegation } from './volunteer-port.ts';

export interface DeviceOptions {
  readonly database: PageDatabase;
  /** Where the page lies; network.json is beside it. */
  readonly base: string;
  readonly fetcher: typeof fetch;
  /** The swarm that a person chose; null for the one that the network file names. */
  readonly swarm: () => number | null;
  readonly emit: (event: VolunteerEvent) => void;
}

const LAST_NETWORK = 'last';

/** The device key, the network of the page, and the stored records of this device's work there. */
export class Device {
  readonly #options: DeviceOptions;
  readonly #keys: KeyStore;
  /** Data sets of swarms. */
  readonly files: KeptFiles;
  #key: DeviceKey | null = null;
  #stored: StoredKey | null = null;
  #network: Network | null = null;
  #records: DeviceRecords | null = null;
  #delegation: SignedDelegation | null = null;
  #saves = new SerialQueue();

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#keys = new KeyStore(options.database);
    this.files = new KeptFiles(options.database, Date.now);
  }

  get hasKey(): boolean {
    return this.#key !== null;
  }

  /** Throws while there is no key. */
  get key(): DeviceKey {
    if (this.#key === null) throw new Error('This device has no key yet. Contribute first.');
    return this.#key;
  }

  get delegation(): SignedDelegation | null {
    return this.#delegation;
  }

  /** Reads the network file, or that of the last visit, the key where there is one, and its records. */
  async open(): Promise<void> {
    await this.readNetwork().catch(() => this.#recallNetwork());
    const stored = await this.#keys.read();
    if (stored !== null) await this.#use(stored);
  }

  /**
   * The stored key, which another tab may have made meanwhile. Makes one where there is none; `now` is Unix
   * milliseconds.
   */
  async ensureKey(now: number): Promise<DeviceKey> {
    if (this.#key === null) await this.#use(await this.#keys.readOrCreate(now));
    return this.key;
  }

  /**
   * The text of a backup. Throws KeyBackupError when there is no key, and BackupPassphraseError for a short
   * passphrase.
   */
  async backUp(passphrase: string): Promise<string> {
    if (this.#stored === null) throw new KeyBackupError('There is no key yet. Contribute first.');
    const text = await encodeKeyBackup(this.#stored, passphrase);
    await this.#keys.markBackedUp();
    this.#stored = { ...this.#stored, backedUp: true };
    this.#report();
    return text;
  }

  /**
   * Replaces the key. Throws KeyBackupError on anything but a backup, and while the present key has no copy.
   */
  async restore(text: string, passphrase: string | null): Promise<{ readonly encrypted: boolean }> {
    const { secret, createdAt, encrypted } = await decodeKeyBackup(text, passphrase);
    if (this.#stored !== null && !this.#stored.backedUp) {
      throw new KeyBackupError('Save a copy of the present key first; restoring another replaces it.');
    }
    await this.#use(await this.#keys.replace(secret, createdAt));
    return { encrypted };
  }

  /** Makes a new key, and keeps the one before. `now` is Unix milliseconds. */
  async rotate(now: number): Promise<void> {
    await this.#use(await this.#keys.rotate(now));
  }

  /** Devices of the keys that were replaced here. */
  retired(): Promise<readonly DeviceAddress[]> {
    return this.#keys.retired();
  }

  /** The secret of a key that was replaced; null when it is not here. Throws KeyWrappingError. */
  async retiredSecret(address: DeviceAddress): Promise<Uint8Array | null> {
    return (await this.#keys.readRetired(address))?.secret ?? null;
  }

  /** The network as read last, or read now. Throws NetworkFileError. */
  async network(): Promise<Network> {
    return this.#network ?? this.readNetwork();
  }

  /**
   * Reads the network file anew: the network may have been started again elsewhere. Throws NetworkFileError.
   */
  async readNetwork(): Promise<Network> {
    const { base, fetcher, database, swarm } = this.#options;
    const file = await fetchNetwork(new URL('network.json', base), { fetch: fetcher });
    const network = { ...file, swarm: swarm() ?? file.swarm };
    await database
      .put('networks', network, LAST_NETWORK)
      .catch((error: unknown) => this.#reportNotStored('network’s address', error));
    const moved = this.#network === null || networkIdOf(network) !== networkIdOf(this.#network);
    this.#network = network;
    this.reportNetwork(true);
    if (moved) await this.#openRecords();
    return network;
  }

  /** Reports the network to the page, and whether its chain answers. */
  reportNetwork(reachable: boolean): void {
    if (this.#network === null) return;
    const { name, chainId, local, explorer } = this.#network;
    // A network that an earlier version of the page stored has none.
    const iceServers = (this.#network.iceServers ?? []).flatMap(({ urls }) => urls);
    this.#options.emit({ kind: 'network', name, chainId, local, explorer, iceServers, reachable });
  }

  /** Stores a round and the totals after it. Writes happen one after the other, so that the last one wins. */
  saveRound(record: RoundRecord, totals: Totals): void {
    const records = this.#records;
    this.#saves
      .run(() => records?.saveRound(record, totals))
      .catch((error: unknown) => this.#reportNotStored(`record of round ${record.round}`, error));
  }

  /** Resolves when every round that was handed in is stored. */
  async saved(): Promise<void> {
    await this.#saves.idle();
  }

  /** Stores and reports how the model began. Full storage is a notice, not a reason to stop. */
  async saveBeginning(report: ModelReport): Promise<void> {
    await this.#records
      ?.saveBeginning(report)
      .catch((error: unknown) => this.#reportNotStored('start of the model', error));
    this.#options.emit({ kind: 'model', when: 'start', report });
  }

  /** Stores and reports the owner, who is on the chain already: full storage is a notice only. */
  async saveDelegation(delegation: SignedDelegation): Promise<void> {
    this.#delegation = delegation;
    await this.#records
      ?.saveDelegation(delegation)
      .catch((error: unknown) => this.#reportNotStored('owner’s signature', error));
    this.#options.emit({ kind: 'owner', owner: delegation.owner });
  }

  /** A notice that something of this device will not be there at the next visit. */
  #reportNotStored(what: string, error: unknown): void {
    this.#options.emit({ kind: 'notice', text: `The ${what} could not be stored: ${messageOf(error)}` });
  }

  /** Without a connection, the network of the last visit lets the page show the records of that visit. */
  async #recallNetwork(): Promise<void> {
    this.#network = (await this.#options.database.get('networks', LAST_NETWORK)) ?? null;
    this.reportNetwork(false);
  }

  async #use(stored: StoredKey): Promise<void> {
    this.#stored = stored;
    this.#key = deviceKey(stored.secret);
    await this.#openRecords();
    this.#report();
  }

  /**
   * Reports what is stored of this device in this network. Does nothing while the key or the network is not
   * known.
   */
  async #openRecords(): Promise<void> {
    const { database, emit } = this.#options;
    if (this.#key === null || this.#network === null) return;
    const opened = new DeviceRecords(database, networkIdOf(this.#network), this.#key.address);
    const { records, totals, beginning, delegation } = await opened.load(HISTORY_ROUNDS);
    this.#records = opened;
    this.#delegation = delegation;
    emit({ kind: 'history', records, totals });
    if (beginning !== null) emit({ kind: 'model', when: 'start', report: beginning });
    if (delegation !== null) emit({ kind: 'owner', owner: delegation.owner });
  }

  #report(): void {
    if (this.#key === null || this.#stored === null) return;
    const { address, peerId } = this.#key;
    const { backedUp, encrypted } = this.#stored;
    this.#options.emit({ kind: 'device', address, peerId, backedUp, encrypted });
  }
}

/** The id of a network, made of its chain and its contract. */
export function networkIdOf(network: Network): string {
  return networkId(network.chainId, network.contracts.participation, network.swarm);
}
