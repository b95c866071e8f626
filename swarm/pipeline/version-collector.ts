/**
 * Puts a model in blocks together on one device: the versions of all blocks after the same step, from this
 * device and from the others that keep them.
 */

import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { type Scheduler, wait } from '../scheduler.ts';

/** All versions of a step. */
export interface CollectedVersions {
  /** Optimizer steps done. */
  readonly step: number;
  /** The file of each block, by its id. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface VersionCollectorOptions {
  readonly blocks: readonly string[];
  readonly scheduler: Scheduler;
  /** Steps done now. */
  readonly step: () => number;
  /** The file of a version that is on this device. */
  readonly own: (block: string, step: number) => Promise<Uint8Array | undefined>;
  /** The other devices that keep a block. */
  readonly keepers: (block: string) => readonly DeviceAddress[];
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
  /** Whether a file is the version that the run confirmed. */
  readonly isRight: (block: string, step: number, file: Uint8Array) => Promise<boolean>;
}

/** The blocks of one step could not be had together. The message tells the remedy. */
export class CollectVersionsError extends Error {
  override readonly name = 'CollectVersionsError';
}

const LOOK_MS = 100;
/** A keeper that has not answered for so long is passed over. */
const ANSWER_MS = 4_000;
/** Steps of which keepers have a version: the last one and the one before. */
const KEPT = 2;

export class VersionCollector {
  readonly #options: VersionCollectorOptions;
  #step = -1;
  #files = new Map<string, Uint8Array>();

  constructor(options: VersionCollectorOptions) {
    this.#options = options;
  }

  /** Takes a version that a device gave. Others than the wanted ones are dropped. */
  async take({ step, block, file }: Extract<PipelineMessage, { kind: 'version' }>): Promise<void> {
    const isWanted = () => step === this.#step && !this.#files.has(block);
    if (!isWanted() || !this.#options.blocks.includes(block)) return;
    if ((await this.#options.isRight(block, step, file)) && isWanted()) this.#files.set(block, file);
  }

  /**
   * Collects the versions after the last step. Where the run goes on faster than they come, it begins again
   * with a later step, for at most `withinMs` milliseconds. Rejects with CollectVersionsError after that.
   */
  async collect(withinMs: number, signal?: AbortSignal): Promise<CollectedVersions> {
    const { scheduler } = this.#options;
    const end = scheduler.now() + withinMs;
    while (scheduler.now() < end) {
      const found = await this.#collectStep(this.#options.step(), end, signal);
      if (found !== undefined) return found;
    }
    const missing = this.#options.blocks.filter((block) => !this.#files.has(block));
    throw new CollectVersionsError(
      `The others gave no version of ${missing.join(', ')} of one step in time. Try again in a moment.`,
    );
  }

  async #collectStep(
    step: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<CollectedVersions | undefined> {
    const { blocks, scheduler, own, keepers, send } = this.#options;
    this.#step = step;
    this.#files = new Map();
    for (const block of blocks) {
      const file = await own(block, step);
      if (file !== undefined) this.#files.set(block, file);
    }
    for (let round = 0; scheduler.now() < end; round++) {
      for (const block of blocks.filter((each) => !this.#files.has(each))) {
        const devices = keepers(block);
        const device = devices[round % Math.max(1, devices.length)];
        if (device !== undefined) send(device, { kind: 'fetch', step, block });
      }
      for (let waited = 0; waited < ANSWER_MS; waited += LOOK_MS) {
        if (this.#files.size === blocks.length) return { step, files: inOrder(this.#files, blocks) };
        if (this.#options.step() >= step + KEPT) return undefined;
        await wait(scheduler, LOOK_MS, signal);
      }
    }
    return undefined;
  }
}

/** The files in the plan's order, whichever came first. */
function inOrder(files: ReadonlyMap<string, Uint8Array>, blocks: readonly string[]): Map<string, Uint8Array> {
  return new Map([...files].sort(([one], [other]) => blocks.indexOf(one) - blocks.indexOf(other)));
}
