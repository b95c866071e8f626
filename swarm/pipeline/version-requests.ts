/** Asks keepers of blocks for versions that this device needs to come in. */
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { Keepers } from '../../pipeline/runtime/step-plan.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Scheduler } from '../scheduler.ts';

export interface VersionRequestsOptions {
  readonly device: DeviceAddress;
  readonly scheduler: Scheduler;
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
}

/** Until a keeper that did not answer is given up for another one. */
const ASK_AGAIN_MS = 1_000;

export class VersionRequests {
  readonly #options: VersionRequestsOptions;
  /** When a version was asked for last, and how often, by block. */
  readonly #asked = new Map<string, { readonly at: number; readonly turn: number }>();

  constructor(options: VersionRequestsOptions) {
    this.#options = options;
  }

  /** Whether a version of the block was asked for. */
  has(block: string): boolean {
    return this.#asked.has(block);
  }

  /**
   * Asks a keeper for a version, once in a second, another one each time, and tells all members, so that they
   * wait with the block's update. Where that is done already, the version of the next step comes the moment
   * that it begins.
   */
  ask(block: string, step: number, keepers: Keepers, members: Iterable<DeviceAddress>): void {
    const { device: self, scheduler, send } = this.#options;
    const now = scheduler.now();
    const before = this.#asked.get(block);
    if (before !== undefined && now - before.at < ASK_AGAIN_MS) return;
    const holders = (keepers.get(block) ?? []).filter((device) => device !== self);
    const turn = before === undefined ? 0 : before.turn + 1;
    this.#asked.set(block, { at: now, turn });
    for (const device of members) if (device !== self) send(device, { kind: 'arriving', step, block });
    const from = holders[turn % Math.max(1, holders.length)];
    if (from !== undefined) send(from, { kind: 'fetch', step, block });
  }

  /** Forgets what was asked for. */
  clear(): void {
    this.#asked.clear();
  }
}
