import type { Address, PublicClient } from 'viem';
import { identityAbi } from '../chain/generated/abi.ts';
import { readRecords } from '../chain/records.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { BoundedMap } from '../swarm/bounded-map.ts';

/**
 * What the chain says of a device, and so what it may ask of a service that others pay for. A new key is
 * free, a binding costs a transaction, and a record takes rounds.
 */
export type Standing =
  /**
   * It acts for an owner on the chain. Places and bytes are counted for the owner, however many devices it
   * has.
   */
  | { readonly kind: 'bound'; readonly owner: Address }
  /** It has no owner, but has attested for rounds. */
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' };

export const UNKNOWN: Standing = { kind: 'unknown' };

/** Who is served first: 0 before 1 before 2. */
export function rankOf({ kind }: Standing): number {
  return kind === 'bound' ? 0 : kind === 'known' ? 1 : 2;
}

/** Whoever places, bytes and gas are counted for: the owner, or the device itself. Lower case. */
export function accountOf(device: DeviceAddress, standing: Standing): string {
  return (standing.kind === 'bound' ? standing.owner : device).toLowerCase();
}

export interface DeviceStandingsOptions {
  readonly client: PublicClient;
  readonly identity: Address;
  readonly participation: Address;
  /** The round now. A standing is read again after `keepRounds` rounds. */
  readonly round: () => number;
  /** Defaults to 4. */
  readonly keepRounds?: number;
  /** Rounds attested on the chain from which on a device counts as known. Defaults to 8. */
  readonly knownAfter?: number;
}

/** Devices whose standing is asked of the node in one go. */
const BATCH = 64;
/** Devices that wait to be asked about. A device beyond that counts as unknown. */
const MAX_PENDING = 4096;

interface Pending {
  readonly device: DeviceAddress;
  readonly resolve: (standing: Standing) => void;
}

/**
 * Reads devices' standing from the chain, many in one request, and remembers it for some rounds. While the
 * node is out of reach everybody counts as unknown.
 */
export class DeviceStandings {
  readonly #options: DeviceStandingsOptions;
  readonly #known = new BoundedMap<string, { readonly standing: Standing; readonly round: number }>(8192);
  readonly #pending: Pending[] = [];
  #reading = false;

  constructor(options: DeviceStandingsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async of(device: DeviceAddress): Promise<Standing> {
    const { round, keepRounds = 4 } = this.#options;
    const kept = this.#known.get(device.toLowerCase());
    if (kept !== undefined && round() - kept.round < keepRounds) return kept.standing;
    if (this.#pending.length >= MAX_PENDING) return UNKNOWN;
    return new Promise((resolve) => {
      this.#pending.push({ device, resolve });
      void this.#readAll();
    });
  }

  async #readAll(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    while (this.#pending.length > 0) {
      const some = this.#pending.splice(0, BATCH);
      const standings = await this.#read(some.map(({ device }) => device)).catch(() => undefined);
      const round = this.#options.round();
      for (const [i, { device, resolve }] of some.entries()) {
        const standing = standings?.[i];
        if (standing !== undefined) this.#known.set(device.toLowerCase(), { standing, round });
        resolve(standing ?? UNKNOWN);
      }
    }
    this.#reading = false;
  }

  async #read(devices: readonly DeviceAddress[]): Promise<readonly Standing[]> {
    const { client, identity: address, participation, knownAfter = 8 } = this.#options;
    const [records, owners] = await Promise.all([
      readRecords(client, participation, devices),
      Promise.all(
        devices.map((device) =>
          client.readContract({ address, abi: identityAbi, functionName: 'ownerOf', args: [device] }),
        ),
      ),
    ]);
    return devices.map((_, i): Standing => {
      const owner = owners[i];
      if (owner !== undefined && BigInt(owner) !== 0n) return { kind: 'bound', owner };
      return (records[i]?.attestations ?? 0) >= knownAfter ? { kind: 'known' } : UNKNOWN;
    });
  }
}
