/**
 * Devices that fetch a block's version to come in with it. The block's update waits for them: once it is
 * done, the version that they fetch is of a step that is over, and a fast device would outrun them for ever.
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
  #credit = MOST_WAIT_MS;
  /** When `#credit` was right. */
  #at: number | undefined;
  #isWaiting = false;

  /** The device has asked for the block's version. More than 64 devices are not waited for. */
  expect(device: DeviceAddress, block: string, now: number): void {
    const devices = this.#expected.get(block) ?? new Map<DeviceAddress, number>();
    if (!devices.has(device) && devices.size >= MOST_DEVICES) return;
    this.#expected.set(block, devices.set(device, now + EXPECTED_MS));
  }

  /** The device computes these blocks' hops now. */
  arrived(device: DeviceAddress, blocks: readonly string[]): void {
    for (const block of blocks) this.#expected.get(block)?.delete(device);
  }

  /** The device is gone. */
  remove(device: DeviceAddress): void {
    for (const devices of this.#expected.values()) devices.delete(device);
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

  /** Says whether an update waits from now on. Called whenever that may have changed. */
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
