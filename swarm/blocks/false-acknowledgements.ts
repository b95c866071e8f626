import type { DeviceAddress } from '../../protocol/hex.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { BlockVersion } from '../messages/block-announcement.ts';

/** Milliseconds for which a device is passed over. */
const PASSED_OVER_MS = 3_600_000;
/** Versions that a device did not have, after which it is passed over for all blocks. */
const TOO_MANY = 3;
/** Times in a row that a device may be silent when it is asked for a chunk. */
const SILENCES = 3;
/** Devices remembered. */
const MAX_DEVICES = 1024;

interface Finding {
  readonly block: string;
  readonly at: number;
}

/**
 * Which devices did not have what they said they had, as this device found out itself. It believes nobody
 * else about it, so nobody is accused falsely, and who lies to one device alone is passed over by that one
 * alone.
 */
export class FalseAcknowledgements {
  readonly #now: () => number;
  readonly #findings = new BoundedMap<DeviceAddress, Map<string, Finding>>(MAX_DEVICES);
  readonly #silences = new BoundedMap<DeviceAddress, number>(MAX_DEVICES);
  #counted = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Versions that were found not to be there, one for each device and version in an hour. */
  get counted(): number {
    return this.#counted;
  }

  /** The device answered that it does not have the version, or sent other bytes. */
  found(device: DeviceAddress, { block, version }: BlockVersion): void {
    const findings = this.#recent(device);
    if (!findings.has(version)) this.#counted++;
    findings.set(version, { block, at: this.#now() });
    this.#findings.set(device, findings);
    this.#silences.delete(device);
  }

  /** The device did not answer. The third time in a row counts as not having the version. */
  silent(device: DeviceAddress, version: BlockVersion): void {
    const times = (this.#silences.get(device) ?? 0) + 1;
    this.#silences.set(device, times);
    if (times >= SILENCES) this.found(device, version);
  }

  /** The device has shown what it was asked for. */
  answered(device: DeviceAddress): void {
    this.#silences.delete(device);
  }

  /** Whether a device is not believed about a block. */
  isPassedOver(device: DeviceAddress, block: string): boolean {
    if (this.#findings.get(device) === undefined) return false;
    const findings = [...this.#recent(device).values()];
    return findings.length >= TOO_MANY || findings.some((finding) => finding.block === block);
  }

  #recent(device: DeviceAddress): Map<string, Finding> {
    const since = this.#now() - PASSED_OVER_MS;
    const findings = [...(this.#findings.get(device) ?? [])].filter(([, { at }]) => at > since);
    return new Map(findings);
  }
}
