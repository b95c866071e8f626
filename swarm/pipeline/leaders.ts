/**
 * Whose word may take this device to another step of the run. What a welcome says follows from signed
 * updates, but anybody can sign updates of a state of their own making. So devices that the chain knows come
 * first: such a record takes work, and a new key takes nothing.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { BlockMember } from '../blocks/holders.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Scheduler } from '../scheduler.ts';

export interface LeadersOptions {
  /** Whether the chain knows this device. */
  readonly hasRecord: () => boolean;
  /** The other members of the swarm that are there. */
  readonly members: () => readonly Pick<BlockMember, 'device' | 'hasRecord'>[];
  readonly scheduler: Scheduler;
}

/**
 * For so long a device that comes in waits for a welcome of one that the chain knows, in ms. It asks once a
 * second. One without a record waits less than for an answer at all, after which it would begin alone. One
 * that has a record may begin alone, and strangers that compute rightly have a record a few rounds later.
 */
const KNOWN_MS = { stranger: 5_000, known: 60_000 } as const;
/** A device whose welcome led nowhere is not believed for so long, in ms. */
const DOUBT_MS = 600_000;
const MOST_DOUBTED = 1_024;

export class Leaders {
  readonly #options: LeadersOptions;
  /** Until when devices are not believed. */
  readonly #doubted: BoundedMap<DeviceAddress, number>;
  /** When the wait for a known device began: with a welcome of a stranger, or of a known one. */
  #since: number | undefined;

  constructor(options: LeadersOptions) {
    this.#options = options;
    this.#doubted = new BoundedMap(MOST_DOUBTED);
  }

  /** This device begins to come in. */
  restart(): void {
    this.#since = undefined;
  }

  /**
   * A device's welcome led nowhere: nobody gave the versions of its step. Gives whether it is not believed
   * any more. One that has a record is, because large versions take long.
   */
  doubt(device: DeviceAddress): boolean {
    if (this.#isKnown(device)) return false;
    this.#doubted.set(device, this.#options.scheduler.now() + DOUBT_MS);
    return true;
  }

  /**
   * Whether a device's welcome counts while this one comes in. That of a device without a record does where
   * nobody has one, or where none with one has answered for some time.
   */
  mayWelcome(device: DeviceAddress): boolean {
    const { hasRecord: isKnownHere, members, scheduler } = this.#options;
    const now = scheduler.now();
    if (this.#isDoubted(device)) return false;
    if (this.#isKnown(device)) {
      this.#since = now;
      return true;
    }
    if (!isKnownHere() && !members().some(({ hasRecord }) => hasRecord)) return true;
    this.#since ??= now;
    return now - this.#since >= (isKnownHere() ? KNOWN_MS.known : KNOWN_MS.stranger);
  }

  /** Whether a device's welcome takes the place of another one's, whatever the steps are. */
  outranks(device: DeviceAddress, other: DeviceAddress): boolean {
    return this.#isKnown(device) && !this.#isKnown(other);
  }

  /**
   * Whether a device's welcome may take this one away from those that it computes with, itself included:
   * never that of a stranger, unless this device is a stranger that computes alone.
   */
  mayMove(device: DeviceAddress, group: ReadonlySet<DeviceAddress>): boolean {
    if (this.#isDoubted(device)) return false;
    if (this.#isKnown(device) || group.has(device)) return true;
    return group.size < 2 && !this.#options.hasRecord();
  }

  #isDoubted(device: DeviceAddress): boolean {
    const until = this.#doubted.get(device);
    return until !== undefined && until > this.#options.scheduler.now();
  }

  #isKnown(device: DeviceAddress): boolean {
    return this.#options.members().some((member) => member.device === device && member.hasRecord);
  }
}
