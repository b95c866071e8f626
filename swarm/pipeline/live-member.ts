/**
 * Feeds a pipeline's state machine with what really happens: messages of others, ends of computations, and
 * time. Whoever starts it says how hops are computed and how messages are sent.
 */

import type { ComputedTensor, MemberAction, MemberEvent } from '../../pipeline/runtime/member-events.ts';
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { PipelineMember } from '../../pipeline/runtime/pipeline-member.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Scheduler } from '../scheduler.ts';

export interface LiveMemberOptions {
  readonly member: PipelineMember;
  /** Computes a hop from what other hops gave. */
  readonly compute: (
    step: number,
    hop: number,
    inputs: ReadonlyMap<string, Uint8Array>,
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, ComputedTensor>>;
  /** Hands a message to the network. It does not wait for the other side. */
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
  readonly scheduler: Scheduler;
  /** Called after each step, with the roots of all blocks' tensors after it. */
  readonly onFinished: (step: number, state: ReadonlyMap<string, Hex>) => void;
  /** Called when the others are more than a step ahead. */
  readonly onBehind: (step: number) => void;
  /** Called with each hop that could not be computed here, and why. Another keeper computes it. */
  readonly onFailure: (hop: number, error: unknown) => void;
  /** Called once when the step cannot go on here, and why. Nothing is computed or sent after it. */
  readonly onBroken: (error: unknown) => void;
}

export class LiveMember {
  readonly member: PipelineMember;
  readonly #options: LiveMemberOptions;
  readonly #ended = new AbortController();
  #computing: Promise<void> | undefined;
  #cancelTick: (() => void) | undefined;
  #tickAt = Number.POSITIVE_INFINITY;

  constructor(options: LiveMemberOptions) {
    this.#options = options;
    this.member = options.member;
  }

  start(): void {
    this.#handle({ kind: 'start' });
  }

  /** Takes a message of another device. */
  receive(from: DeviceAddress, message: PipelineMessage): void {
    this.#handle({ kind: 'message', from, message });
  }

  /**
   * The device has these blocks' versions before the step in progress, and computes their hops from now on.
   */
  keep(blocks: readonly string[]): void {
    this.#handle({ kind: 'keep', blocks });
  }

  /** The device computes these blocks' hops to the end of the step in progress. Others keep them. */
  release(blocks: readonly string[]): void {
    this.#handle({ kind: 'release', blocks });
  }

  /** The connection to a device ended. */
  gone(device: DeviceAddress): void {
    this.#handle({ kind: 'gone', device });
  }

  /** Ends at once. Resolves when nothing is being computed any more. */
  async stop(): Promise<void> {
    this.#end();
    await this.#computing;
  }

  #end(): void {
    this.#ended.abort(new DOMException('Stopped.', 'AbortError'));
    this.#cancelTick?.();
  }

  #handle(event: MemberEvent): void {
    if (this.#ended.signal.aborted) return;
    try {
      for (const action of this.member.handle(event, this.#options.scheduler.now())) this.#perform(action);
      this.#setTick();
    } catch (error) {
      // Whoever called is a timer or a channel, which can do nothing about it.
      this.#end();
      this.#options.onBroken(error);
    }
  }

  #perform(action: MemberAction): void {
    if (this.#ended.signal.aborted) return;
    switch (action.kind) {
      case 'send':
        this.#options.send(action.to, action.message);
        return;
      case 'compute':
        this.#computing = this.#compute(action);
        return;
      case 'finished':
        this.#options.onFinished(action.step, action.state);
        return;
      case 'behind':
        this.#options.onBehind(action.step);
        return;
    }
  }

  async #compute({ step, hop, inputs }: Extract<MemberAction, { kind: 'compute' }>): Promise<void> {
    const { compute, onFailure } = this.#options;
    try {
      const outputs = await compute(step, hop, inputs, this.#ended.signal);
      this.#handle({ kind: 'computed', step, hop, outputs });
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      onFailure(hop, error);
      this.#handle({ kind: 'failed', step, hop });
    }
  }

  /** One timer for whatever is due next. */
  #setTick(): void {
    const { scheduler } = this.#options;
    const wake = this.member.nextWake;
    if (wake === undefined || wake === this.#tickAt) return;
    this.#cancelTick?.();
    this.#tickAt = wake;
    this.#cancelTick = scheduler.after(wake - scheduler.now(), () => {
      this.#tickAt = Number.POSITIVE_INFINITY;
      this.#handle({ kind: 'tick' });
    });
  }
}
