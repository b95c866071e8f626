/** Hands commands to the device: a whole run at once, or in slices while the device is shared. */
import { type Clock, DutyCycle, SYSTEM_CLOCK } from '../../duty-cycle.ts';
import { CommandEncoder } from './command-encoder.ts';
import type { Command } from './compiled-plan.ts';
import { Slicer } from './time-slicer.ts';
import { SliceNumbers } from './workgroup-offsets.ts';

/** Submissions that may wait on the device; a run returns once no more than this are left before it. */
const MAX_IN_FLIGHT = 2;
/** How long a submission holds the GPU while less than the whole of it is to be used. */
const DEFAULT_SLICE_MS = 10;

export interface SubmitterOptions {
  readonly device: GPUDevice;
  /** Slices of about this length even while the share is 1. */
  readonly sliceMs?: number;
  readonly clock?: Clock;
  readonly orLost: <T>(pending: Promise<T>) => Promise<T>;
}

export class Submitter {
  readonly numbers: SliceNumbers;
  readonly #options: SubmitterOptions;
  readonly #duty: DutyCycle;
  readonly #slicer: Slicer;
  readonly #inFlight: Promise<unknown>[] = [];
  /** Submissions of the last run. */
  submissions = 0;

  constructor(options: SubmitterOptions) {
    const { device, orLost, sliceMs = DEFAULT_SLICE_MS, clock = SYSTEM_CLOCK } = options;
    this.#options = options;
    this.numbers = new SliceNumbers(device);
    this.#duty = new DutyCycle(clock);
    this.#slicer = new Slicer({ device, numbers: this.numbers, clock, duty: this.#duty, sliceMs, orLost });
  }

  /** Throws RangeError for a share outside 0.1 to 1. */
  setShare(share: number): void {
    this.#duty.share = share;
  }

  /** Runs commands in order. May resolve before the device is done; reading waits for it. */
  async run(commands: readonly Command[], signal?: AbortSignal): Promise<void> {
    const { device, orLost, sliceMs } = this.#options;
    if (sliceMs !== undefined || this.#duty.share < 1) {
      this.submissions = await this.#slicer.run(commands, signal);
      return;
    }
    this.numbers.reset();
    const encoder = new CommandEncoder(device, this.numbers);
    for (const command of commands) encoder.add(command);
    device.queue.submit([encoder.finish()]);
    this.submissions = 1;
    this.#inFlight.push(device.queue.onSubmittedWorkDone());
    if (this.#inFlight.length > MAX_IN_FLIGHT) await orLost(Promise.resolve(this.#inFlight.shift()));
  }
}
