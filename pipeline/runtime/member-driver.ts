/**
 * Drives one member of a pipeline with real events: messages as bytes, computations that take time, and a
 * clock. Links, clock and executor are given.
 */
import { CodecError } from '../../protocol/codec.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { decodePipelineMessage, encodePipelineMessage, type PipelineMessage } from './messages.ts';
import type { ComputedTensor, MemberAction, MemberEvent, PipelineMember } from './pipeline-member.ts';

/** Computes hops of the device's blocks. Calls do not overlap. */
export interface HopExecutor {
  /** `inputs` are what other hops gave. After an update the block's next version is held. */
  execute(
    step: number,
    hop: number,
    inputs: ReadonlyMap<string, Uint8Array>,
    options: { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, ComputedTensor>>;
}

export interface DriverClock {
  /** In milliseconds, never going back. */
  now(): number;
  /** Runs a function after `ms`. Returns how to cancel it. */
  after(ms: number, run: () => void): () => void;
}

export interface MemberDriverOptions {
  readonly member: PipelineMember;
  readonly executor: HopExecutor;
  readonly clock: DriverClock;
  /** Sends to a device, in order. What cannot be sent is lost. */
  readonly send: (to: DeviceAddress, bytes: Uint8Array) => void;
  readonly onFinished?: (step: number, state: ReadonlyMap<string, Hex>) => void;
  /** The device has to fetch its blocks and begin again. */
  readonly onBehind?: (step: number) => void;
  /** A hop could not be computed. */
  readonly onFailed?: (error: unknown, step: number, hop: number) => void;
}

export class MemberDriver {
  readonly #options: MemberDriverOptions;
  readonly #controller = new AbortController();
  #cancelWake: (() => void) | undefined;

  constructor(options: MemberDriverOptions) {
    this.#options = options;
  }

  start(): void {
    this.#feed({ kind: 'start' });
  }

  /** Ends timers and computations. */
  stop(): void {
    this.#controller.abort(new DOMException('Stopped.', 'AbortError'));
    this.#cancelWake?.();
  }

  /** Takes a message from a device. One that is malformed is refused and counted. */
  receive(from: DeviceAddress, bytes: Uint8Array): void {
    try {
      this.hear(from, decodePipelineMessage(bytes));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#options.member.handoffs.refuse('malformed', from);
    }
  }

  /** Takes a message that was decoded and checked elsewhere. */
  hear(from: DeviceAddress, message: PipelineMessage): void {
    this.#feed({ kind: 'message', from, message });
  }

  /** The connection to a device ended. */
  gone(device: DeviceAddress): void {
    this.#feed({ kind: 'gone', device });
  }

  #feed(event: MemberEvent): void {
    if (this.#controller.signal.aborted) return;
    const { member, clock } = this.#options;
    for (const action of member.handle(event, clock.now())) this.#perform(action);
    this.#cancelWake?.();
    const wake = member.nextWake;
    this.#cancelWake =
      wake === undefined
        ? undefined
        : clock.after(Math.max(0, wake - clock.now()), () => this.#feed({ kind: 'tick' }));
  }

  #perform(action: MemberAction): void {
    const { send, onFinished, onBehind } = this.#options;
    switch (action.kind) {
      case 'send':
        send(action.to, encodePipelineMessage(action.message));
        return;
      case 'compute':
        void this.#compute(action);
        return;
      case 'finished':
        onFinished?.(action.step, action.state);
        return;
      case 'behind':
        onBehind?.(action.step);
        return;
    }
  }

  async #compute({ step, hop, inputs }: Extract<MemberAction, { kind: 'compute' }>): Promise<void> {
    const { executor, onFailed } = this.#options;
    const { signal } = this.#controller;
    try {
      const outputs = await executor.execute(step, hop, inputs, { signal });
      this.#feed({ kind: 'computed', step, hop, outputs });
    } catch (error) {
      if (signal.aborted) return;
      onFailed?.(error, step, hop);
      this.#feed({ kind: 'failed', step, hop });
    }
  }
}
