/**
 * Devices that come in. A fast device would outrun them for ever, so it waits for them twice:
 *
 * - A block's update waits for devices that fetch the block's version. Once it is done, the version that they
 *   fetch is of a step that is over.
 * - A step's end waits for the updates of devices that joined in it. They ask for what these are made from,
 *   which is kept for a step only.
 *
 * What this may cost is bounded: over time a tenth of it, whoever asks and however often.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';

/** The longest that all arrivals together are waited for at once, in milliseconds. */
const MOST_WAIT_MS = 10_000;
/** The part of the time that may be spent in waiting. */
const SHARE = 0.1;
/** A device that has not come in for so long is not expected any more, in milliseconds. */
const EXPECTED_MS = 30_000;
const MOST_DEVICES = 64;

export class Arrivals {
  /** Until when a device is expected, by block and device. */
  readonly #expected = new Map<string, Map<DeviceAddress, number>>();
  /** Devices that joined in this step, with the blocks whose updates they have not handed off. */
  #updating = new Map<DeviceAddress, Set<string>>();
  /** The same for devices that are a step ahead. */
  #updatingNext = new Map<DeviceAddress, Set<string>>();
  #credit = MOST_WAIT_MS;
  /** When `#credit` was right. */
  #at: number | undefined;
  #isWaiting = false;

  /**
   * The device has asked for the block's version. If it had joined with the block, it has begun anew, and
   * hands no update off. More than 64 devices are not waited for.
   */
  expect(device: DeviceAddress, block: string, now: number): void {
    this.updated(device, block);
    const devices = this.#expected.get(block) ?? new Map<DeviceAddress, number>();
    if (!devices.has(device) && devices.size >= MOST_DEVICES) return;
    this.#expected.set(block, devices.set(device, now + EXPECTED_MS));
  }

  /** The device computes these blocks' hops now, and their updates from this step or the next one on. */
  arrived(
    device: DeviceAddress,
    blocks: readonly string[],
    { isAhead }: { readonly isAhead: boolean },
  ): void {
    for (const block of blocks) this.#expected.get(block)?.delete(device);
    const all = isAhead ? this.#updatingNext : this.#updating;
    const updating = all.get(device) ?? new Set<string>();
    if (all.size < MOST_DEVICES || all.has(device)) all.set(device, new Set([...updating, ...blocks]));
  }

  /** The device has handed the block's update off in this step, or will not. */
  updated(device: DeviceAddress, block: string): void {
    const updating = this.#updating.get(device);
    if (updating?.delete(block) === true && updating.size === 0) this.#updating.delete(device);
  }

  /** The device is gone, or begins anew. */
  remove(device: DeviceAddress): void {
    for (const devices of this.#expected.values()) devices.delete(device);
    this.#updating.delete(device);
    this.#updatingNext.delete(device);
  }

  /** The step is over, and with it the wait for its updates. */
  nextStep(): void {
    this.#updating = this.#updatingNext;
    this.#updatingNext = new Map();
  }

  /** Until when the step's end waits for updates, in milliseconds; undefined where it does not. */
  updatesUntil(now: number): number | undefined {
    const until = now + this.#creditAt(now);
    return this.#updating.size > 0 && until > now ? until : undefined;
  }

  isExpected(device: DeviceAddress, block: string): boolean {
    return this.#expected.get(block)?.has(device) === true;
  }

  /**
   * Until when updates of the block wait, in milliseconds; undefined where nobody is expected or no time is
   * left for it.
   */
  waitUntil(block: string, now: number): number | undefined {
    const devices = this.#expected.get(block);
    if (devices === undefined) return undefined;
    for (const [device, until] of devices) if (until <= now) devices.delete(device);
    const until = Math.min(Math.max(...devices.values()), now + this.#creditAt(now));
    return devices.size > 0 && until > now ? until : undefined;
  }

  /** Says whether an update or the step's end waits from now on. Called whenever that may have changed. */
  setWaiting(isWaiting: boolean, now: number): void {
    this.#credit = this.#creditAt(now);
    this.#at = now;
    this.#isWaiting = isWaiting;
  }

  #creditAt(now: number): number {
    const passed = now - (this.#at ?? now);
    const credit = this.#isWaiting ? this.#credit - passed : this.#credit + SHARE * passed;
    return Math.min(MOST_WAIT_MS, Math.max(0, credit));
  }
}
