/** Devices that may keep blocks, and what there is to keep. */
import type { DeviceAddress } from '../../protocol/hex.ts';

/** Devices that keep a block. */
export const KEEPERS = 3;

/** A device that may keep blocks, as its messages and the chain describe it. */
export interface Candidate {
  readonly device: DeviceAddress;
  /** Whoever its places are counted for: its owner, or itself. */
  readonly account: string;
  /** Prefixes of the addresses that it is reached at. Empty where addresses do not count. */
  readonly prefixes: readonly string[];
  /** Whether the chain knows it: it has an owner, or has attested for rounds. */
  readonly hasRecord: boolean;
  /** 0 to 3. `latencyClassOf` gives it. */
  readonly latencyClass: number;
  /** Bytes that it still takes for blocks that it does not hold. */
  readonly freeBytes: number;
  /** Blocks of which it holds a version. They need no more of `freeBytes`. */
  readonly holds: ReadonlySet<string>;
  /** Blocks that it does not take: it said so, or did not have what it said it had. */
  readonly refuses: ReadonlySet<string>;
}

/** A block, and the bytes that a keeper of it needs for all versions that are kept at one time. */
export interface BlockNeed {
  readonly id: string;
  readonly bytes: number;
}

/** Who keeps a block. `missing` keepers have no device that could be one. */
export interface BlockKeepers {
  readonly keepers: readonly DeviceAddress[];
  /** The device that takes the place of the first keeper to go. */
  readonly spare: DeviceAddress | undefined;
  readonly missing: number;
}

/** Whether two devices may be one party's: they share an owner, or a prefix of an address. */
export function isSameHand(a: Candidate, b: Candidate): boolean {
  return a.account === b.account || a.prefixes.some((prefix) => b.prefixes.includes(prefix));
}
