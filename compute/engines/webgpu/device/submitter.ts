/** Submits commands to the device: a whole run at once, or in time slices while the device is shared. */
import { type Clock, DutyCycle, SYSTEM_CLOCK } from '../../duty-cycle.ts';
import { CommandEncoder } from './command-encoder.ts';
import type { Command } from './compiled-plan.ts';
import { TimeSlicer } from './time-slicer.ts';
import { WorkgroupOffsets } from './workgroup-offsets.ts';

/** Submissions that may wait on the device. A run returns once no more than this many are left before it. */
const MAX_IN_FLIGHT = 2;
/** Milliseconds that a submission holds the GPU while the share is below 1. */
const DEFAULT_SLICE_MS = 10;

export interface SubmitterOptions {
  readonly device: GPUDevice;
  /** Milliseconds of a time slice. If given, runs are divided into slices even while the share is 1. */
  readonly sliceMs?: number;
  readonly clock?: Clock;
  /** Rejects instead of `pending` when the device is lost. */
  readonly orLost: <T>(pending: Promise<T>) => Promise<T>;
}

export class Submitter {
  readonly workgroupOffsets: WorkgroupOffsets;
  readonly #options: SubmitterOptions;
  readonly #duty: DutyCycle;
  readonly #slicer: TimeSlicer;
  readonly #inFlight: Promise<unknown>[] = [];
  /** Submissions of the last run. */
  submissions = 0;

  constructor(options: SubmitterOptions) {
    const { device, orLost, sliceMs = DEFAULT_SLICE_MS, clock = SYSTEM_CLOCK } = options;
    this.#options = options;
    this.workgroupOffsets = new WorkgroupOffsets(device);
    this.#duty = new DutyCycle(clock);
    this.#slicer = new TimeSlicer({
      device,
      workgroupOffsets: this.workgroupOffsets,
      clock,
      duty: this.#duty,
      sliceMs,
      orLost,
    });
  }

  /**
   * Sets the share of the time that the device may compute. Throws RangeError for a share outside 0.1 to 1.
   */
  setShare(share: number): void {
    this.#duty.share = share;
  }

  /** Runs commands in order. May resolve before the device is done; reading a result waits for it. */
  async run(commands: readonly Command[], signal?: AbortSignal): Promise<void> {
    const { device, orLost, sliceMs } = this.#options;
    if (sliceMs !== undefined || this.#duty.share < 1) {
      this.submissions = await this.#slicer.run(commands, signal);
      return;
    }
    this.workgroupOffsets.reset();
    const encoder = new CommandEncoder(device, this.workgroupOffsets);
    for (const command of commands) encoder.add(command);
    device.queue.submit([encoder.finish()]);
    this.submissions = 1;
    this.#inFlight.push(device.queue.onSubmittedWorkDone());
    if (this.#inFlight.length > MAX_IN_FLIGHT) await orLost(Promise.resolve(this.#inFlight.shift()));
  }
}
