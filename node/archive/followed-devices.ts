/** What an archive has of each device, and of which rounds it therefore fetches the state. */
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { BoundedMap } from '../../swarm/bounded-map.ts';
import type { ArchiveFolder } from './archive-folder.ts';
import type { RoundRecord } from './round-record.ts';

/** A device's rounds as far as the archive has them. */
export interface Followed {
  /** The newest round recorded. */
  readonly round: number;
  /** The root after it. */
  readonly root: Hex;
  /** The newest round whose state is kept. Undefined while none is. */
  readonly state: number | undefined;
}

/**
 * Whether the state after a round is fetched. It is for the first round of a device, for one that does not go
 * on from the round before, for each that `every` divides, and for the next one when those were missed. All
 * other states follow from these and from the rollout sets, which are kept of every round.
 */
export function isStateDue(
  followed: Followed | undefined,
  { round, previousRoot }: Pick<RoundRecord, 'round' | 'previousRoot'>,
  every: number,
): boolean {
  if (followed?.state === undefined || followed.root !== previousRoot) return true;
  return round % every === 0 || round - followed.state >= every;
}

/** Devices at most. One that is forgotten is read from the disk again. */
const MAX_DEVICES = 1024;

/** Remembers what the archive's folder has of each device. */
export class FollowedDevices {
  readonly #folder: ArchiveFolder;
  readonly #known = new BoundedMap<DeviceAddress, Followed>(MAX_DEVICES);
  readonly #settled = new BoundedMap<DeviceAddress, number>(MAX_DEVICES);

  constructor(folder: ArchiveFolder) {
    this.#folder = folder;
  }

  /** Undefined for a device of which nothing is recorded. */
  async of(device: DeviceAddress): Promise<Followed | undefined> {
    const known = this.#known.get(device) ?? (await this.#read(device));
    if (known !== undefined) this.#known.set(device, known);
    return known;
  }

  /** Notes a round that was recorded, or whose state came later. */
  async add({ device, round, checkpointRoot: root }: RoundRecord, hasState: boolean): Promise<void> {
    const before = await this.of(device);
    const state = hasState ? Math.max(round, before?.state ?? round) : before?.state;
    const newest = before === undefined || round >= before.round ? { round, root } : before;
    this.#known.set(device, { round: newest.round, root: newest.root, state });
  }

  /**
   * Devices that have attested nothing since before `round`, and whose last state is not kept: each of them
   * once.
   */
  quietSince(round: number): readonly (Followed & { readonly device: DeviceAddress })[] {
    return [...this.#known.entries()].flatMap(([device, followed]) => {
      if (followed.round >= round || followed.state === followed.round) return [];
      if (this.#settled.get(device) === followed.round) return [];
      this.#settled.set(device, followed.round);
      return [{ device, ...followed }];
    });
  }

  async #read(device: DeviceAddress): Promise<Followed | undefined> {
    let newest: RoundRecord | undefined;
    for (const entry of (await this.#folder.list()).toReversed()) {
      if (entry.device !== device) continue;
      const record = await this.#folder.record(device, entry.round).catch(() => undefined);
      if (record === undefined) continue;
      newest ??= record;
      if (!(await this.#folder.content.isHere(record.checkpoint))) continue;
      return { round: newest.round, root: newest.checkpointRoot, state: record.round };
    }
    return newest && { round: newest.round, root: newest.checkpointRoot, state: undefined };
  }
}
