import type { DeviceAddress } from '../protocol/hex.ts';
import { type Standing, UNKNOWN } from '../protocol/standing.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Scheduler } from './scheduler.ts';

export interface StandingsOptions {
  /** Reads standings of up to 256 devices, in their order. The ledger's `standingsOf`. */
  readonly read: (devices: readonly DeviceAddress[]) => Promise<readonly Standing[]>;
  readonly scheduler: Scheduler;
  /** 0 to 1. Chooses which waiting device leaves a full queue. */
  readonly random: () => number;
  /** Milliseconds after which a standing is read again. Defaults to 60,000. */
  readonly keepMs?: number;
  /** Milliseconds between the end of one request and the next. Defaults to 500. */
  readonly pauseMs?: number;
}

/** Devices whose standing is read in one request. */
const BATCH = 128;
/** Devices that wait to be read. */
const MAX_PENDING = 1024;
const MAX_KEPT = 4096;

interface Kept {
  readonly standing: Standing;
  readonly at: number;
}

/**
 * What the chain says of other devices, kept for a minute. It is read in the background, many devices in one
 * request and at most two requests a second, so new keys cannot make a device ask without end. While the node
 * is out of reach what was read before stays, and everybody else counts as unknown.
 */
export class Standings {
  readonly #options: StandingsOptions;
  /** Owned and known devices. Strangers are kept apart, so that no number of them pushes one of these out. */
  readonly #known = new BoundedMap<DeviceAddress, Kept>(MAX_KEPT);
  readonly #strangers = new BoundedMap<DeviceAddress, Kept>(MAX_KEPT);
  readonly #pending = new Map<DeviceAddress, ((standing: Standing) => void)[]>();
  #cancel: (() => void) | null = null;
  #reading = false;
  #lastRead = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  /** What is known of the device now. Has it read in the background where that is missing or old. */
  now(device: DeviceAddress): Standing {
    const kept = this.#kept(device);
    if (kept === undefined || this.#isOld(kept)) this.#request(device);
    return kept?.standing ?? UNKNOWN;
  }

  /** The device's standing once it was read, or at once where it is known. Never rejects. */
  of(device: DeviceAddress): Promise<Standing> {
    const kept = this.#kept(device);
    if (kept !== undefined && !this.#isOld(kept)) return Promise.resolve(kept.standing);
    return new Promise((resolve) => {
      if (this.#stopped) resolve(kept?.standing ?? UNKNOWN);
      else this.#request(device, resolve);
    });
  }

  /** Asks no more. Whoever waits gets what is known. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
    for (const device of [...this.#pending.keys()]) this.#answer(device);
  }

  #kept(device: DeviceAddress): Kept | undefined {
    return this.#known.get(device) ?? this.#strangers.get(device);
  }

  #isOld({ at }: Kept): boolean {
    return this.#options.scheduler.now() - at >= (this.#options.keepMs ?? 60_000);
  }

  #request(device: DeviceAddress, resolve?: (standing: Standing) => void): void {
    if (this.#stopped) return;
    const waiting = this.#pending.get(device) ?? [];
    if (resolve !== undefined) waiting.push(resolve);
    this.#pending.set(device, waiting);
    if (this.#pending.size > MAX_PENDING) {
      // A random one, because neither the first nor the last to come should own the queue.
      const devices = [...this.#pending.keys()];
      const dropped = devices[Math.floor(this.#options.random() * devices.length)];
      if (dropped !== undefined) this.#answer(dropped);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#reading || this.#stopped || this.#pending.size === 0) return;
    const { scheduler, pauseMs = 500 } = this.#options;
    const wait = Math.max(0, this.#lastRead + pauseMs - scheduler.now());
    this.#cancel ??= scheduler.after(wait, () => void this.#readSome());
  }

  async #readSome(): Promise<void> {
    this.#cancel = null;
    this.#reading = true;
    const { read, scheduler } = this.#options;
    const devices = [...this.#pending.keys()].slice(0, BATCH);
    const standings = await read(devices).catch(() => undefined);
    const at = scheduler.now();
    for (const [i, device] of devices.entries()) {
      const standing = standings?.[i];
      if (standing !== undefined) this.#keep(device, { standing, at });
      this.#answer(device);
    }
    this.#lastRead = at;
    this.#reading = false;
    this.#schedule();
  }

  #keep(device: DeviceAddress, kept: Kept): void {
    const stranger = kept.standing.kind === 'unknown';
    (stranger ? this.#known : this.#strangers).delete(device);
    (stranger ? this.#strangers : this.#known).set(device, kept);
  }

  #answer(device: DeviceAddress): void {
    const waiting = this.#pending.get(device) ?? [];
    this.#pending.delete(device);
    for (const resolve of waiting) resolve(this.#kept(device)?.standing ?? UNKNOWN);
  }
}
