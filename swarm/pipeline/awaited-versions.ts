import type { DeviceAddress } from '../../protocol/hex.ts';

/** A version that a device asked for before it was there. */
export interface AwaitedVersion {
  readonly to: DeviceAddress;
  readonly block: string;
}

/** Devices that may wait for a version of one block. More are not remembered: they ask again. */
const WAITING = 16;

/**
 * Requests for versions of the next step. A device that comes in gets them the moment that the step begins.
 */
export class AwaitedVersions {
  readonly #byBlock = new Map<string, Map<DeviceAddress, number>>();

  /** Notes that a device waits for a block's version after so many steps. Its last request counts. */
  add(to: DeviceAddress, block: string, step: number): void {
    const waiting = this.#byBlock.get(block) ?? new Map<DeviceAddress, number>();
    if (!waiting.has(to) && waiting.size >= WAITING) return;
    this.#byBlock.set(block, waiting.set(to, step));
  }

  /** The requests for that step, and forgets them with all for earlier ones. */
  take(step: number): readonly AwaitedVersion[] {
    const due: AwaitedVersion[] = [];
    for (const [block, waiting] of this.#byBlock) {
      for (const [to, wanted] of waiting) {
        if (wanted > step) continue;
        waiting.delete(to);
        if (wanted === step) due.push({ to, block });
      }
    }
    return due;
  }
}
