/**
 * What a member knows of the other devices: what each has to compute, until when, and which ones are late.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { HopGraphNode } from './hop-graph.ts';
import { HopRunner } from './hop-runner.ts';

export interface OtherDevicesOptions {
  readonly slots: number;
  /** To a device and back, in milliseconds. */
  readonly roundTrip: (device: DeviceAddress) => number;
  /** In milliseconds. */
  readonly firstDeadline: number;
  /** In milliseconds. */
  readonly leastDeadline: number;
}

export class OtherDevices {
  readonly #options: OtherDevicesOptions;
  readonly #runners = new Map<DeviceAddress, HopRunner>();
  /** Since when a device counts as late. */
  readonly #late = new Map<DeviceAddress, number>();

  constructor(options: OtherDevicesOptions) {
    this.#options = options;
  }

  runner(device: DeviceAddress): HopRunner {
    const known = this.#runners.get(device);
    if (known !== undefined) return known;
    const { slots, roundTrip, firstDeadline, leastDeadline } = this.#options;
    const runner = new HopRunner({ slots, roundTrip: () => roundTrip(device), firstDeadline, leastDeadline });
    this.#runners.set(device, runner);
    return runner;
  }

  /** Devices that are late. */
  get late(): readonly DeviceAddress[] {
    return [...this.#late.keys()];
  }

  readonly isLate = (device: DeviceAddress): boolean => this.#late.has(device);

  /** Before everything for a device that is not late. */
  lateSince(device: DeviceAddress): number {
    return this.#late.get(device) ?? Number.NEGATIVE_INFINITY;
  }

  setLate(device: DeviceAddress, now: number): void {
    this.#late.set(device, now);
    this.runner(device).giveUp();
  }

  /** A sign of life. Returns whether the device was late. */
  setPrompt(device: DeviceAddress): boolean {
    return this.#late.delete(device);
  }

  /** Devices whose time is over. */
  overdue(now: number): DeviceAddress[] {
    return [...this.#runners]
      .filter(([, { lateAt }]) => lateAt !== undefined && lateAt <= now)
      .map(([device]) => device);
  }

  /** When the next device's time is over; undefined while nothing is expected of any. */
  get nextLateAt(): number | undefined {
    const times = [...this.#runners.values()].flatMap(({ lateAt }) => lateAt ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** A microbatch's backward pass over a block is done. */
  letGo(node: HopGraphNode): void {
    for (const runner of this.#runners.values()) runner.letGo(node);
  }

  /** A step ended. */
  reset(): void {
    for (const runner of this.#runners.values()) runner.reset();
  }
}
