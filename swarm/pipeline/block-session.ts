/**
 * A device in the training of a model in blocks: it keeps its share of the blocks, computes hops with the
 * others, comes in while they compute, and goes on when others leave. Nobody leads. What it needs to know it
 * hears from announcements of blocks and from the members' handoffs.
 */

import type { HandoffRules } from '../../pipeline/runtime/handoffs.ts';
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import type { MemberOptions } from '../../pipeline/runtime/member-events.ts';
import {
  decodePipelineMessage,
  encodePipelineMessage,
  type PipelineMessage,
} from '../../pipeline/runtime/messages.ts';
import { PipelineMember } from '../../pipeline/runtime/pipeline-member.ts';
import { type Keepers, keepersOf, leftBy } from '../../pipeline/runtime/step-plan.ts';
import { type Handoff, type HandoffStatement, MOST_STEPS } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { must } from '../../protocol/must.ts';
import type { BlockFiles } from '../blocks/block-files.ts';
import { BlockKeeper, type BlockKeeperOptions } from '../blocks/block-keeper.ts';
import type { ContentTransport } from '../content/transport.ts';
import { every, type Scheduler } from '../scheduler.ts';
import { BlockMoves } from './block-moves.ts';
import { type BlockSessionView, microbatchesOf, type StepShares, sharesOf } from './block-session-view.ts';
import { Gathering } from './gathering.ts';
import { HeldBlocks, type HopWorker } from './held-blocks.ts';
import { Leaders } from './leaders.ts';
import { type Links, openLinks } from './links.ts';
import { LiveMember } from './live-member.ts';
import { type Roots, type RunState, RunStates } from './run-states.ts';
import { type Progress, StallWatch } from './stall-watch.ts';
import { type CollectedVersions, VersionCollector } from './version-collector.ts';
import { VersionExchange } from './version-exchange.ts';
import { VersionRequests } from './version-requests.ts';
import { WriteStride } from './write-stride.ts';

export interface BlockSessionOptions {
  readonly device: DeviceAddress;
  /** What names the run in handoffs. */
  readonly run: Hex;
  readonly sign: (statement: HandoffStatement) => Handoff;
  readonly rules: Omit<HandoffRules, 'run'>;
  /** The hops of a step. It is asked often. */
  readonly graphOf: (step: number) => HopGraph;
  /** Roots of a step's data, by tensor. */
  readonly dataOf: (step: number) => Roots;
  /** Roots of all blocks' tensors before the first step, by tensor. */
  readonly first: Roots;
  readonly worker: HopWorker;
  /** Block keeping, but for what the session knows itself. */
  readonly keeping: Omit<BlockKeeperOptions, 'record' | 'scheduler'>;
  /** Where the last states of the run are kept. Defaults to memory alone. */
  readonly files?: BlockFiles;
  /** Carries messages between members. */
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  /** To a device and back, in milliseconds. */
  readonly roundTrip: (device: DeviceAddress) => number;
  /** Whether the chain knows this device by now. Defaults to what `keeping.self` says. */
  readonly hasRecord?: () => boolean;
  /** Called after each step, with the roots of all blocks' tensors after it. */
  readonly onStep?: (step: number, state: Roots, done: StepShares) => void;
  /** Called when `view` has changed. */
  readonly onChange?: () => void;
  /** Called last when the session stops. */
  readonly onStopped?: () => Promise<void>;
}

/** What the members compute now, as one of them says. */
interface Welcome extends RunState {
  readonly from: DeviceAddress;
  /** Since when this device comes in. */
  readonly since: number;
  readonly keepers: Keepers;
  /** Who is placed in the step after it. */
  readonly next: Keepers;
}

const ADVANCE_MS = 1_000;
/** A step whose versions nobody gives for so long, in ms, is none that others compute. */
const JOIN_MS = 300_000;
/** Between two questions to members that take no part. */
const ASK_MS = 10_000;
/** Messages that are kept until this device computes. What is missing then is asked for. */
const MOST_EARLY = 1_024;
/** Within this time the blocks of one step have to come, for the whole model. */
const COLLECT_MS = 60_000;
/** The least time that a device is given. A page whose thread is busy answers nothing for so long. */
const LEAST_DEADLINE_MS = 500;

export class BlockSession {
  readonly #options: BlockSessionOptions;
  readonly #keeper: BlockKeeper;
  readonly #rules: HandoffRules;
  readonly #states: RunStates;
  readonly #held: HeldBlocks;
  readonly #requests: VersionRequests;
  readonly #exchange: VersionExchange;
  readonly #stride = new WriteStride();
  readonly #gathering: Gathering;
  readonly #leaders: Leaders;
  readonly #stops: (() => void)[] = [];
  #links: Links | undefined;
  /** While somebody here wants the whole model. */
  #collector: VersionCollector | undefined;
  #live: LiveMember | undefined;
  #welcome: Welcome | undefined;
  #early: { readonly from: DeviceAddress; readonly message: PipelineMessage }[] = [];
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #moves: BlockMoves;
  readonly #stall: StallWatch;
  #isAdvancing = false;
  /** While what is held is given back, to come in again. */
  #isLeaving = false;
  #isStopped = false;
  /** What went wrong here, in words, by what it is about. It is left out once that has gone well. */
  readonly #failures = new Map<string, string>();

  private constructor(options: BlockSessionOptions, rules: HandoffRules, states: RunStates) {
    const { device, scheduler, worker, keeping, graphOf } = options;
    this.#options = options;
    this.#rules = rules;
    this.#states = states;
    this.#keeper = BlockKeeper.start({
      ...keeping,
      scheduler,
      record: () => ({ confirmed: states.confirmed, claims: [] }),
    });
    this.#held = new HeldBlocks({
      worker,
      tensorsOf: (block) => graphOf(states.step).stateOf(block).keys(),
      confirmed: (block, step) => states.versionOf(block, step),
      beginWriting: (place) => this.#keeper.begin(place),
    });
    this.#stall = new StallWatch(scheduler);
    this.#requests = new VersionRequests({
      device,
      scheduler,
      bytesOf: (block) =>
        must(
          keeping.blocks.filter(({ id }) => id === block),
          0,
        ).versionBytes,
      send: (to, message) => this.#send(to, message),
    });
    this.#exchange = new VersionExchange({
      held: this.#held,
      requests: this.#requests,
      live: () => this.#live,
      joining: () => this.#welcome,
      isLeaving: () => this.#isLeaving,
      hasRoom: (live, block) => this.#moves.hasRoom(live, block),
      greet: (to) => this.#greet(to),
      send: (to, message) => this.#send(to, message),
      onJoinable: () => this.#advance(),
    });
    this.#moves = new BlockMoves({
      ...{ device, blocks: keeping.blocks, store: keeping.store },
      quotaBytes: keeping.store.content.quotaBytes,
      ...{ held: this.#held, requests: this.#requests },
      placement: () => this.#keeper.placement(),
      keep: (block, step, file) => this.#exchange.keep(block, step, file),
    });
    const hasRecord = options.hasRecord ?? (() => keeping.self.hasRecord);
    this.#leaders = new Leaders({ hasRecord, members: keeping.members, scheduler });
    this.#gathering = new Gathering({
      ...{ device, first: options.first, keeping, keeper: this.#keeper, states, held: this.#held, scheduler },
      fits: (block, others) => this.#moves.fits(block, others),
      hello: (to) => this.#send(to, { kind: 'hello' }),
      isAnswered: () => this.#welcome !== undefined,
    });
  }

  /** Starts to keep blocks and to compute. */
  static async start(options: BlockSessionOptions): Promise<BlockSession> {
    const { transport, scheduler, keeping, graphOf, first, files } = options;
    const rules = { ...options.rules, run: options.run };
    const states = await RunStates.open({ rules, graphOf, first, files });
    const session = new BlockSession(options, rules, states);
    session.#links = await openLinks({
      transport,
      scheduler,
      peerOf: (device) => keeping.members().find((member) => member.device === device)?.peerId,
      deviceOf: (peerId) => keeping.members().find((member) => member.peerId === peerId)?.device,
      onMessage: (from, bytes) => session.#receive(from, bytes),
      onGone: (device) => session.#live?.gone(device),
    });
    session.#stops.push(every(scheduler, ADVANCE_MS, () => session.#tick()));
    void session.#advance();
    return session;
  }

  view(): BlockSessionView {
    const { keeping } = this.#options;
    const member = this.#live?.member;
    const placement = this.#keeper.placement();
    const refusals = [...(member?.handoffs.refused.values() ?? [])];
    const problems = [
      ...this.#keeper.problems(),
      this.#states.problem,
      ...(this.#state() === 'gathering' ? [this.#gathering.problem] : []),
      ...this.#failures.values(),
    ];
    return {
      state: this.#state(),
      step: this.#states.step,
      blocks: keeping.blocks.map(({ id, versionBytes, frozenBytes }) => ({
        id,
        bytes: versionBytes + frozenBytes,
        keepers: member?.plan.keepers(id) ?? placement.get(id)?.keepers ?? [],
        isHere: this.#held.stepOf(id) !== undefined,
      })),
      microbatches: microbatchesOf(member),
      hops: { done: member?.book.handoffs().length ?? 0, all: member?.plan.graph.nodes.length ?? 0 },
      takeovers: member?.takeovers ?? 0,
      refused: refusals.reduce((sum, count) => sum + count, 0),
      problems: problems.filter((problem) => problem !== undefined),
    };
  }

  #state(): BlockSessionView['state'] {
    if (this.#isStopped) return 'stopped';
    if (this.#live !== undefined) return 'computing';
    return this.#welcome === undefined ? 'gathering' : 'joining';
  }

  /**
   * The files of all blocks after the same step, those that others keep included. Rejects with
   * CollectVersionsError where they cannot be had, and where a version has more than 12 MiB.
   */
  async collect(signal?: AbortSignal): Promise<CollectedVersions> {
    const { keeping, scheduler, device } = this.#options;
    const collector = new VersionCollector({
      blocks: keeping.blocks.map(({ id }) => id),
      scheduler,
      step: () => this.#states.step,
      own: async (block, step) =>
        this.#held.stepOf(block) === undefined
          ? undefined
          : this.#held.file(block, step).catch(() => undefined),
      keepers: (block) => {
        const keepers = this.#live?.member.plan.keepers(block) ?? this.#welcome?.keepers.get(block) ?? [];
        return keepers.filter((keeper) => keeper !== device);
      },
      send: (to, message) => this.#send(to, message),
      isRight: async (block, step, file) => {
        const confirmed = this.#states.versionOf(block, step);
        return confirmed !== undefined && (await keeping.rootOf({ block, step }, file)) === confirmed.root;
      },
    });
    this.#collector = collector;
    try {
      return await collector.collect(COLLECT_MS, signal);
    } finally {
      if (this.#collector === collector) this.#collector = undefined;
    }
  }

  /** Leaves. What is on the medium stays there. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const stop of this.#stops) stop();
    this.#keeper.retire();
    this.#keeper.stop();
    await this.#live?.stop();
    await this.#held.dropLeft([]).catch(() => undefined);
    await this.#links?.stop();
    await this.#options.onStopped?.();
    this.#changed();
  }

  #changed(): void {
    this.#options.onChange?.();
  }

  #fails(about: string, problem: string): void {
    this.#failures.set(about, problem);
    this.#changed();
  }

  // Messages.

  #receive(from: DeviceAddress, bytes: Uint8Array): void {
    let message: PipelineMessage;
    try {
      message = decodePipelineMessage(bytes);
    } catch {
      this.#live?.member.handoffs.refuse('malformed', from);
      return;
    }
    switch (message.kind) {
      case 'hello':
        this.#greet(from);
        return;
      case 'fetch':
        void this.#exchange.give(from, message);
        return;
      case 'version':
        void this.#exchange.take(message).catch(() => undefined);
        void this.#collector?.take(message).catch(() => undefined);
        return;
      case 'welcome':
        if (this.#live?.member.step === message.step) this.#meet(this.#live, from, message);
        else if (this.#mayLead(from)) this.#welcomed(from, message);
        return;
    }
    if (this.#live !== undefined) this.#live.receive(from, message);
    else if (this.#early.length < MOST_EARLY) this.#early.push({ from, message });
    this.#changed();
  }

  #mayLead(device: DeviceAddress): boolean {
    const members = this.#live?.member.plan.members;
    return members === undefined ? this.#leaders.mayWelcome(device) : this.#leaders.mayMove(device, members);
  }

  #send(to: DeviceAddress, message: PipelineMessage): void {
    this.#links?.send(to, encodePipelineMessage(message));
  }

  /** Another device computes the same step, and did not know of this one or this one not of it. */
  #meet(
    live: LiveMember,
    from: DeviceAddress,
    { step, keepers }: Extract<PipelineMessage, { kind: 'welcome' }>,
  ): void {
    const blocks = keepers.find(({ device }) => device === from)?.blocks ?? [];
    if (blocks.length > 0) live.receive(from, { kind: 'join', step, blocks });
  }

  /** Takes a member's word for what the blocks are now, where signed handoffs of keepers say the same. */
  #welcomed(
    from: DeviceAddress,
    { step, keepers, next, updates }: Extract<PipelineMessage, { kind: 'welcome' }>,
  ): void {
    if (this.#live !== undefined) {
      // Somebody else computes the same run and is further: two groups that did not know of each other.
      if (step > this.#live.member.step + 1) void this.#comeInAgain();
      return;
    }
    if (this.#stall.hasLeft(step)) return;
    const before = this.#welcome;
    const outranks = before !== undefined && this.#leaders.outranks(from, before.from);
    if (step < (before?.step ?? 0) && !outranks) return;
    const state = step === 0 ? this.#options.first : this.#states.stateAfter(step - 1, updates);
    if (state === undefined) return;
    if (outranks) this.#states.withdraw();
    // Handoffs of a step that is over are of no use any more.
    if (step !== before?.step) {
      this.#early = this.#early.filter(
        ({ message }) => message.kind !== 'handoff' || message.handoff.step >= step,
      );
    }
    const since = before?.since ?? this.#options.scheduler.now();
    this.#welcome = { from, since, step, state, updates, keepers: keepersOf(keepers), next: keepersOf(next) };
    this.#states.propose({ step, state, updates }, this.#stride.writes(step));
    this.#keeper.wake();
    void this.#advance();
  }

  /** Tells a device what is computed now, where this one takes part. */
  #greet(to: DeviceAddress): void {
    for (const each of this.#live?.member.welcome([]) ?? []) this.#send(to, each);
  }

  // Coming in.

  /** Asks once a second what step it is, while this device comes in. */
  #tick(): void {
    const { scheduler } = this.#options;
    if (this.#live === undefined && this.#welcome !== undefined) {
      const { from, since } = this.#welcome;
      if (scheduler.now() - since > JOIN_MS && this.#leaders.doubt(from)) {
        this.#states.withdraw();
        void this.#comeInAgain();
        return;
      }
      for (const { device } of this.#options.keeping.members()) this.#send(device, { kind: 'hello' });
    }
    void this.#advance();
  }

  /** Looks at what is missing, and does the next thing. */
  async #advance(): Promise<void> {
    if (this.#isAdvancing || this.#isLeaving || this.#isStopped) return;
    this.#isAdvancing = true;
    try {
      if (this.#live !== undefined) {
        const progress = progressOf(this.#live);
        if (this.#leavesStalled(progress)) return;
        this.#askOthers();
        await this.#moves.advance(this.#live, this.#stall.stillMs(progress));
      } else if (this.#welcome !== undefined) await this.#join(this.#welcome);
      else await this.#gather();
      this.#failures.delete('intake');
    } catch (error) {
      const why = messageOf(error);
      this.#fails('intake', `Blocks could not be taken in: ${why} It is tried again in a second.`);
    } finally {
      this.#isAdvancing = false;
      this.#changed();
    }
  }

  /** Asks members that take no part here whether they compute the same run elsewhere. */
  #askOthers(): void {
    const { keeping, scheduler } = this.#options;
    const live = this.#live;
    if (live === undefined || scheduler.now() - this.#askedAt < ASK_MS) return;
    this.#askedAt = scheduler.now();
    const known = live.member.plan.members;
    for (const { device } of keeping.members()) {
      if (known.has(device)) continue;
      this.#send(device, { kind: 'hello' });
      this.#greet(device);
    }
  }

  /** Nobody computes yet. */
  async #gather(): Promise<void> {
    const beginning = await this.#gathering.advance();
    if (beginning === undefined) return;
    const { state, keepers, blocks } = beginning;
    await this.#held.dropLeft(this.#gathering.mine());
    this.#compute({ ...state, keepers });
    // Others may begin by what they heard of this device before it had all of these.
    for (const { device } of this.#options.keeping.members())
      this.#send(device, { kind: 'join', step: state.step, blocks });
  }

  /** The others compute: fetches what this device is to keep, and comes in. */
  async #join(welcome: Welcome): Promise<void> {
    const { keeping, device } = this.#options;
    const { step, state } = welcome;
    const isWanted = () => this.#welcome?.step === step;
    const placed = this.#gathering.mine();
    // The others wait for the blocks of which they know no other keeper.
    const onlyHere = [...this.#held.left, ...this.#held.ids].filter(
      (block) => welcome.keepers.get(block)?.every((each) => each === device) === true,
    );
    const mine = [...new Set([...placed, ...onlyHere])];
    for (const block of [...this.#held.ids, ...this.#held.prepared])
      if (!mine.includes(block)) await this.#held.drop(block);
    for (const block of mine) {
      if (this.#held.stepOf(block) === step) continue;
      if (onlyHere.includes(block) && (await this.#held.recover({ block, step }, state, isWanted))) continue;
      if (!placed.includes(block)) continue;
      if (step === 0 && !this.#isUpdated(block, 0)) {
        await this.#held.begin(block, this.#options.first);
        continue;
      }
      const file = this.#isUpdated(block, step) ? undefined : await keeping.store.read({ block, step });
      if (file !== undefined && (await this.#held.take({ block, step }, file, state, isWanted))) continue;
      this.#requests.ask(block, step, welcome.keepers, membersOf(welcome.keepers));
    }
    const here = mine.filter((block) => this.#held.stepOf(block) === step && !this.#isUpdated(block, step));
    if (here.length === 0 || !isWanted()) {
      this.#keeper.wake();
      return;
    }
    // The other blocks of this device come while it computes.
    for (const block of this.#held.ids) if (!here.includes(block)) await this.#held.forget(block);
    await this.#held.dropLeft(placed);
    if (!isWanted()) return;
    const left = leftBy(device, welcome.keepers, welcome.next);
    this.#compute({ ...welcome, joins: here, left });
    for (const to of membersOf(welcome.keepers)) {
      if (to === device) continue;
      if (left.length > 0) this.#send(to, { kind: 'restart', step, blocks: left });
      this.#send(to, { kind: 'join', step, blocks: here });
    }
  }

  /**
   * Whether a block's update in the step that others compute is done already. Then nobody keeps what it was
   * made from, and a device that comes in needs the version after it.
   */
  #isUpdated(block: string, step: number): boolean {
    const graph = this.#options.graphOf(step);
    return this.#early.some(({ message }) => {
      if (message.kind !== 'handoff' || message.handoff.step !== step) return false;
      const node = graph.nodes[message.handoff.hop];
      return node?.block === block && graph.isForEveryKeeper(node.index);
    });
  }

  /**
   * Comes in again where the step stands still. All members see that at the same time, so that they take up
   * the last step of which their media have every block.
   */
  #leavesStalled(progress: Progress): boolean {
    if (!this.#stall.leaves(progress)) return false;
    this.#fails('step', `Nobody went on with step ${progress.step} for 5 min. This device comes in again.`);
    void this.#comeInAgain();
    return true;
  }

  /** The others are ahead: everything is fetched again. */
  async #comeInAgain(): Promise<void> {
    if (this.#isLeaving || this.#isStopped) return;
    this.#isLeaving = true;
    try {
      const live = this.#live;
      this.#live = undefined;
      this.#stride.pause();
      await live?.stop();
      this.#held.leave();
    } catch (error) {
      this.#fails(
        'intake',
        `Blocks could not be given back: ${messageOf(error)} Stop, and contribute again.`,
      );
    } finally {
      this.#exchange.clear();
      this.#requests.clear();
      this.#moves.clear();
      this.#welcome = undefined;
      this.#gathering.restart();
      this.#leaders.restart();
      this.#isLeaving = false;
    }
    await this.#advance();
  }

  // Computing.

  #compute(start: MemberOptions['start']): void {
    this.#states.settle();
    this.#stall.begin();
    const { device, sign, graphOf, dataOf, worker, scheduler, roundTrip } = this.#options;
    const member = new PipelineMember({
      device,
      rules: this.#rules,
      sign,
      graphOf,
      dataOf,
      end: MOST_STEPS,
      start,
      roundTrip,
      leastDeadline: LEAST_DEADLINE_MS,
    });
    const live: LiveMember = new LiveMember({
      member,
      scheduler,
      compute: (step, hop, inputs, signal) => worker.compute(step, hop, inputs, signal),
      send: (to, message) => this.#send(to, message),
      onFinished: (step, state) => this.#finished(live, step, state),
      onBehind: () => void this.#comeInAgain(),
      onBroken: (error) => {
        this.#fails('step', `The step could not go on here: ${messageOf(error)} This device comes in again.`);
        void this.#comeInAgain();
      },
      onFailure: (hop, error) =>
        this.#fails('hop', `Hop ${hop} could not be computed here: ${messageOf(error)}`),
    });
    this.#live = live;
    const early = this.#early;
    this.#early = [];
    live.start();
    for (const { from, message } of early) live.receive(from, message);
  }

  #finished(live: LiveMember, step: number, state: Roots): void {
    const { member } = live;
    const next = step + 1;
    this.#failures.delete('hop');
    this.#failures.delete('step');
    this.#stride.finished(this.#options.scheduler.now());
    const isWritten = this.#stride.writes(next);
    this.#states.confirm({ step: next, state, updates: member.updatesBefore }, isWritten);
    this.#held.finished(next);
    if (this.#live === live) this.#moves.begin(live, next);
    this.#exchange.giveAwaited(next);
    if (isWritten) this.#writeAll(next);
    this.#exchange.takeComing(next);
    this.#options.onStep?.(step, state, sharesOf(member));
    this.#changed();
  }

  #writeAll(step: number): void {
    for (const block of this.#held.ids) {
      this.#held.write(block, step).then(
        () => this.#failures.delete(block),
        (error: unknown) => this.#fails(block, `${block} was not written: ${messageOf(error)}`),
      );
    }
  }
}

function membersOf(keepers: Keepers): ReadonlySet<DeviceAddress> {
  return new Set([...keepers.values()].flat());
}

function progressOf({ member }: LiveMember): Progress {
  return { step: member.step, hops: member.book.handoffs().length };
}
