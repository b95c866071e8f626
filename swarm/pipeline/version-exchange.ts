/**
 * Versions of blocks between members: those that this device gives to others that come in, and those that it
 * takes to come in itself or to compute one more block.
 */
import type { PipelineMessage } from '../../pipeline/runtime/messages.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { AwaitedVersions } from './awaited-versions.ts';
import type { HeldBlocks } from './held-blocks.ts';
import type { LiveMember } from './live-member.ts';
import type { RunState } from './run-states.ts';
import type { VersionRequests } from './version-requests.ts';

export interface VersionExchangeOptions {
  readonly held: HeldBlocks;
  readonly requests: VersionRequests;
  /** What this device computes. Undefined while it computes nothing. */
  readonly live: () => LiveMember | undefined;
  /** The step that others compute, which this device is about to join. */
  readonly joining: () => Pick<RunState, 'step' | 'state'> | undefined;
  /** Whether this device gives back what it holds. */
  readonly isLeaving: () => boolean;
  /** Whether this device may hold one more block. */
  readonly hasRoom: (live: LiveMember, block: string) => boolean;
  /** Tells a device what is computed now. */
  readonly greet: (to: DeviceAddress) => void;
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
  /** Called when this device has a version with which it can come in. */
  readonly onJoinable: () => Promise<void>;
}

/** Bytes of the largest file that is given from memory. Larger ones are fetched in chunks. */
const MOST_GIVEN = 12 * 1024 * 1024;

export class VersionExchange {
  readonly #options: VersionExchangeOptions;
  /** What devices that come in wait for. */
  readonly #awaited = new AwaitedVersions();
  /** Versions of the next step that came before it began, by block. */
  readonly #coming = new Map<string, { readonly step: number; readonly file: Uint8Array }>();

  constructor(options: VersionExchangeOptions) {
    this.#options = options;
  }

  /**
   * Gives a version that is in memory. A device that comes in gets that of the step in progress while it can
   * still compute it, and otherwise that of the next step when it begins.
   */
  async give(
    to: DeviceAddress,
    { step, block }: Pick<Extract<PipelineMessage, { kind: 'fetch' }>, 'step' | 'block'>,
  ): Promise<void> {
    const { held, live, greet, send } = this.#options;
    const newest = held.stepOf(block);
    if (newest === undefined) return;
    const member = live()?.member;
    const isArriving = member?.isExpected(to, block) === true;
    if (step > newest || (isArriving && !member.canKeep(block))) {
      this.#awaited.add(to, block, Math.max(step, newest + 1));
      return;
    }
    if (isArriving && step !== newest) greet(to);
    const given = isArriving ? newest : step;
    try {
      const file = await held.file(block, given);
      if (file.length <= MOST_GIVEN) send(to, { kind: 'version', step: given, block, file });
    } catch {
      // It is of a step that is over. The device is told which one it is now.
      greet(to);
    }
  }

  /** Takes a version that was asked for, where its tensors are the run's. Rejects where it cannot be read. */
  async take({ step, block, file }: Extract<PipelineMessage, { kind: 'version' }>): Promise<void> {
    if (this.#options.isLeaving() || !this.#options.requests.has(block)) return;
    if (this.#options.live() === undefined) await this.#takeToJoin(block, step, file);
    else await this.keep(block, step, file);
  }

  /**
   * Computes the hops of one more block from now on, where this is its version before the step in progress.
   * Rejects where it cannot be read.
   */
  async keep(block: string, step: number, file: Uint8Array): Promise<void> {
    const { held } = this.#options;
    const live = this.#options.live();
    if (live === undefined || held.stepOf(block) !== undefined) return;
    if (!this.#options.hasRoom(live, block)) return;
    if (live.member.step + 1 === step) this.#coming.set(block, { step, file });
    if (live.member.step !== step) return;
    // Meanwhile the step may be over, or nearly: then the version of the next one is needed.
    const isWanted = () => this.#options.live() === live && isOpenFor(live, block, step);
    if (await held.take({ block, step }, file, live.member.book.state, isWanted)) live.keep([block]);
  }

  /** Gives devices that come in what they wait for. They hear first which step has begun. */
  giveAwaited(step: number): void {
    const awaited = this.#awaited.take(step);
    for (const to of new Set(awaited.map((each) => each.to))) this.#options.greet(to);
    for (const { to, block } of awaited) void this.give(to, { step, block });
  }

  /** Takes the versions of a step that has begun, which came before it. */
  takeComing(step: number): void {
    const coming = [...this.#coming];
    this.#coming.clear();
    for (const [block, version] of coming) {
      if (version.step === step) void this.keep(block, step, version.file).catch(() => undefined);
    }
  }

  /** Forgets what came too early. */
  clear(): void {
    this.#coming.clear();
  }

  /** Takes a version with which this device may come in. */
  async #takeToJoin(block: string, step: number, file: Uint8Array): Promise<void> {
    const { held, joining, onJoinable } = this.#options;
    const wanted = joining();
    if (wanted?.step !== step || held.stepOf(block) === step) return;
    // Meanwhile this device may have begun to compute with another block.
    const isWanted = () => {
      const live = this.#options.live();
      return joining() === wanted && (live === undefined || isOpenFor(live, block, step));
    };
    if (!(await held.take({ block, step }, file, wanted.state, isWanted))) return;
    const live = this.#options.live();
    if (live === undefined) await onJoinable();
    else live.keep([block]);
  }
}

/** Whether the device may still compute the block in that step. */
function isOpenFor({ member }: LiveMember, block: string, step: number): boolean {
  return member.step === step && member.canKeep(block);
}
