/** Asks keepers of blocks for versions that this device needs to come in. */
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { Keepers } from '../../pipeline/runtime/step-plan.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Scheduler } from '../scheduler.ts';

export interface VersionRequestsOptions {
  readonly device: DeviceAddress;
  readonly scheduler: Scheduler;
  /** Most bytes that the file of a block's version has. */
  readonly bytesOf: (block: string) => number;
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
}

/**
 * Until a keeper that did not answer is given up for another one: a second, and the time that the file takes
 * at 2 MB a second. Asked sooner, another keeper would send the same megabytes again. The time doubles with
 * each question for the same version, up to 20 s, which is less than members wait for a device.
 */
const ASK_AGAIN_MS = 1_000;
const BYTES_PER_MS = 2_000;
const LONGEST_MS = 20_000;

interface Asked {
  readonly step: number;
  readonly at: number;
  readonly turn: number;
  /** Questions for this step. */
  readonly count: number;
}

export class VersionRequests {
  readonly #options: VersionRequestsOptions;
  /** When a version was asked for last, and how often, by block. */
  readonly #asked = new Map<string, Asked>();

  constructor(options: VersionRequestsOptions) {
    this.#options = options;
  }

  /** Whether a version of the block was asked for. */
  has(block: string): boolean {
    return this.#asked.has(block);
  }

  /**
   * Asks a keeper for a version, another one each time, and tells all members, so that they wait with the
   * block's update. Where that is done already, the version of the next step comes the moment that it begins.
   * May be called often: it asks again when a keeper has had the time to answer.
   */
  ask(block: string, step: number, keepers: Keepers, members: Iterable<DeviceAddress>): void {
    const { device: self, scheduler, send } = this.#options;
    const now = scheduler.now();
    const before = this.#asked.get(block);
    const count = before?.step === step ? before.count : 0;
    if (before !== undefined && now - before.at < this.#patience(block, count)) return;
    const holders = (keepers.get(block) ?? []).filter((device) => device !== self);
    const turn = before === undefined ? 0 : before.turn + 1;
    this.#asked.set(block, { step, at: now, turn, count: count + 1 });
    for (const device of members) if (device !== self) send(device, { kind: 'arriving', step, block });
    const from = holders[turn % Math.max(1, holders.length)];
    if (from !== undefined) send(from, { kind: 'fetch', step, block });
  }

  /** Milliseconds from one question to the next, after so many for the same step. */
  #patience(block: string, count: number): number {
    if (count === 0) return ASK_AGAIN_MS;
    const first = ASK_AGAIN_MS + this.#options.bytesOf(block) / BYTES_PER_MS;
    return Math.min(LONGEST_MS, first * 2 ** (count - 1));
  }

  /** Forgets what was asked for. */
  clear(): void {
    this.#asked.clear();
  }
}
