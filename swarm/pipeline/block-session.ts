/**
 * A device in the training of a model in blocks: it keeps its share of the blocks, computes hops with the
 * others, comes in while they compute, and goes on when others leave. Nobody leads. What it needs to know it
 * hears from announcements of blocks and from the members' handoffs.
 */

import type { HandoffRules } from '../../pipeline/runtime/handoffs.ts';
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import type { ComputedTensor, MemberOptions } from '../../pipeline/runtime/member-events.ts';
import {
  decodePipelineMessage,
  encodePipelineMessage,
  type PipelineMessage,
} from '../../pipeline/runtime/messages.ts';
import { PipelineMember } from '../../pipeline/runtime/pipeline-member.ts';
import { type Keepers, keepersOf } from '../../pipeline/runtime/step-plan.ts';
import { type Handoff, type HandoffStatement, MOST_STEPS } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { BlockKeeper, type BlockKeeperOptions } from '../blocks/block-keeper.ts';
import type { ConfirmedVersion } from '../blocks/needed-versions.ts';
import type { ContentTransport } from '../content/transport.ts';
import { every, type Scheduler } from '../scheduler.ts';
import { AwaitedVersions } from './awaited-versions.ts';
import { type Links, openLinks } from './links.ts';
import { LiveMember } from './live-member.ts';
import { type CollectedVersions, VersionCollector } from './version-collector.ts';

type Roots = ReadonlyMap<string, Hex>;

/** What computes hops and holds the versions of blocks in memory: a worker of a page, or a process. */
export interface HopWorker {
  begin(block: string): Promise<{ readonly roots: Roots }>;
  load(file: Uint8Array): Promise<{ readonly roots: Roots }>;
  file(block: string, step: number): Promise<Uint8Array>;
  release(block: string): Promise<void>;
  compute(
    step: number,
    hop: number,
    inputs: ReadonlyMap<string, Uint8Array>,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ComputedTensor>>;
}

/** Who computed a step, as its handoffs say. */
export interface StepShares {
  /** Hops that each device did first. */
  readonly hops: ReadonlyMap<DeviceAddress, number>;
  /** Hops that went to another keeper because the first one was late, since this device came in. */
  readonly takeovers: number;
}

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
  /** Carries messages between members. */
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  /** To a device and back, in milliseconds. */
  readonly roundTrip: (device: DeviceAddress) => number;
  /** Called after each step, with the roots of all blocks' tensors after it. */
  readonly onStep?: (step: number, state: Roots, done: StepShares) => void;
  /** Called when `view` has changed. */
  readonly onChange?: () => void;
  /** Called last when the session stops. */
  readonly onStopped?: () => Promise<void>;
}

/** What a person sees of it. */
export interface BlockSessionView {
  /**
   * `gathering`: some block has no keeper yet. `joining`: the others compute, and this device fetches its
   * blocks. `computing`: it takes part.
   */
  readonly state: 'gathering' | 'joining' | 'computing' | 'stopped';
  /** Optimizer steps done. */
  readonly step: number;
  readonly blocks: readonly {
    readonly id: string;
    readonly bytes: number;
    /** Devices that are to keep it, as this one sees it. */
    readonly keepers: readonly DeviceAddress[];
    /** Whether this device computes its hops. */
    readonly isHere: boolean;
  }[];
  /** Microbatches on their way: the last hop that is done of each, where, and who is to do the next. */
  readonly microbatches: readonly {
    readonly microbatch: number;
    readonly kind: string;
    readonly block: string;
    readonly at: DeviceAddress;
  }[];
  /** Hops done of the step, and all of them. */
  readonly hops: { readonly done: number; readonly all: number };
  /** Hops that went to another keeper because the first one was late. */
  readonly takeovers: number;
  /** Messages and tensors of others that were refused. */
  readonly refused: number;
  /** What went wrong here, in words. */
  readonly problems: readonly string[];
}

/** What the members compute now, as one of them says. */
interface Welcome {
  readonly step: number;
  /** Roots of all blocks' tensors before the step. */
  readonly state: Roots;
  readonly keepers: Keepers;
  /** Who is placed in the step after it. */
  readonly next: Keepers;
}

const ADVANCE_MS = 1_000;
/** A hello of a member may take 10 s. Who begins to compute alone sooner would not know of it. */
const GATHER_MS = 12_000;
/** Between two questions to members that take no part. */
const ASK_MS = 10_000;
/** Until a keeper that did not answer is given up for another one. */
const ASK_AGAIN_MS = 1_000;
/** Messages that are kept until this device computes. What is missing then is asked for. */
const MOST_EARLY = 1_024;
/** Bytes of the largest file that is given from memory. Larger ones are fetched in chunks. */
const MOST_GIVEN = 12 * 1024 * 1024;
/** Within this time the blocks of one step have to come, for the whole model. */
const COLLECT_MS = 60_000;
/** Hellos that nobody answers before the device takes it that nobody computes. */
const ASKED = 3;
/** Steps of which confirmed versions are remembered. */
const REMEMBERED = 2;

export class BlockSession {
  readonly #options: BlockSessionOptions;
  readonly #keeper: BlockKeeper;
  readonly #rules: HandoffRules;
  readonly #stops: (() => void)[] = [];
  #links: Links | undefined;
  /** While somebody here wants the whole model. */
  #collector: VersionCollector | undefined;
  #live: LiveMember | undefined;
  #confirmed: readonly ConfirmedVersion[] = [];
  /** Blocks whose versions the worker holds, with the step of the newest. */
  readonly #held = new Map<string, number>();
  #welcome: Welcome | undefined;
  #early: { readonly from: DeviceAddress; readonly message: PipelineMessage }[] = [];
  readonly #startedAt: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Versions of the next step that came before it began, by block. */
  readonly #coming = new Map<string, { readonly step: number; readonly file: Uint8Array }>();
  /** When a version was asked for last, and how often, by block. */
  readonly #asked = new Map<string, { readonly step: number; readonly at: number; readonly turn: number }>();
  #hellos = 0;
  /** Steps that were over before this device could come in. */
  #missed = 0;
  /** What devices that come in wait for. */
  readonly #awaited = new AwaitedVersions();
  #steps = 0;
  #isAdvancing = false;
  /** While what is held is given back, to come in again. */
  #isLeaving = false;
  #isStopped = false;
  #failure: string | undefined;

  private constructor(options: BlockSessionOptions) {
    this.#options = options;
    this.#startedAt = options.scheduler.now();
    this.#rules = { ...options.rules, run: options.run };
    this.#confirm(0, options.first);
    this.#keeper = BlockKeeper.start({
      ...options.keeping,
      scheduler: options.scheduler,
      record: () => ({ confirmed: this.#confirmed, claims: [] }),
    });
  }

  /** Starts to keep blocks and to compute. */
  static async start(options: BlockSessionOptions): Promise<BlockSession> {
    const session = new BlockSession(options);
    const peers = () => options.keeping.members();
    session.#links = await openLinks({
      transport: options.transport,
      scheduler: options.scheduler,
      peerOf: (device) => peers().find((member) => member.device === device)?.peerId,
      deviceOf: (peerId) => peers().find((member) => member.peerId === peerId)?.device,
      onMessage: (from, bytes) => session.#receive(from, bytes),
      onGone: (device) => session.#live?.gone(device),
    });
    session.#stops.push(every(options.scheduler, ADVANCE_MS, () => session.#tick()));
    void session.#advance();
    return session;
  }

  view(): BlockSessionView {
    const { keeping } = this.#options;
    const member = this.#live?.member;
    const placement = this.#keeper.placement();
    const refusals = [...(member?.handoffs.refused.values() ?? [])];
    return {
      state: this.#isStopped
        ? 'stopped'
        : member !== undefined
          ? 'computing'
          : this.#welcome === undefined
            ? 'gathering'
            : 'joining',
      step: this.#steps,
      blocks: keeping.blocks.map(({ id, versionBytes }) => ({
        id,
        bytes: versionBytes,
        keepers: member?.plan.keepers(id) ?? placement.get(id)?.keepers ?? [],
        isHere: this.#held.has(id),
      })),
      microbatches: this.#microbatches(),
      hops: { done: member?.book.handoffs().length ?? 0, all: member?.plan.graph.nodes.length ?? 0 },
      takeovers: member?.takeovers ?? 0,
      refused: refusals.reduce((sum, count) => sum + count, 0),
      problems: [...this.#keeper.problems(), ...(this.#failure === undefined ? [] : [this.#failure])],
    };
  }

  /**
   * The files of all blocks after the same step, those that others keep included. Rejects with
   * CollectVersionsError where they cannot be had, and where a version has more than 12 MiB.
   */
  async collect(signal?: AbortSignal): Promise<CollectedVersions> {
    const { keeping, scheduler, worker, device } = this.#options;
    const collector = new VersionCollector({
      blocks: keeping.blocks.map(({ id }) => id),
      scheduler,
      step: () => this.#steps,
      own: async (block, step) =>
        this.#held.has(block) ? worker.file(block, step).catch(() => undefined) : undefined,
      keepers: (block) => {
        const keepers = this.#live?.member.plan.keepers(block) ?? this.#welcome?.keepers.get(block) ?? [];
        return keepers.filter((keeper) => keeper !== device);
      },
      send: (to, message) => this.#send(to, message),
      isRight: async (block, step, file) => {
        const confirmed = this.#confirmed.find((each) => each.block === block && each.step === step);
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
    await this.#links?.stop();
    await this.#options.onStopped?.();
    this.#changed();
  }

  #changed(): void {
    this.#options.onChange?.();
  }

  #microbatches(): BlockSessionView['microbatches'] {
    const member = this.#live?.member;
    if (member === undefined) return [];
    const last = new Map<number, BlockSessionView['microbatches'][number]>();
    for (const { hop, device } of member.book.handoffs()) {
      const { microbatch, kind, block } = member.plan.graph.node(hop);
      if (microbatch !== undefined) last.set(microbatch, { microbatch, kind, block, at: device });
    }
    return [...last.values()].sort((a, b) => a.microbatch - b.microbatch);
  }

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
        void this.#give(from, message);
        return;
      case 'version':
        void this.#take(message).catch(() => undefined);
        void this.#collector?.take(message).catch(() => undefined);
        return;
      case 'welcome':
        if (this.#mayLead(from)) this.#welcomed(message);
        return;
    }
    if (this.#live !== undefined) this.#live.receive(from, message);
    else if (this.#early.length < MOST_EARLY) this.#early.push({ from, message });
    this.#changed();
  }

  /**
   * Whether a device's word may take this one to another step. While others compute with it, only that of a
   * device that the chain knows: a new key could send all of them to a state of its own making.
   */
  #mayLead(device: DeviceAddress): boolean {
    const members = this.#live?.member.plan.members;
    if (members === undefined || members.size < 2) return true;
    return this.#options.keeping
      .members()
      .some((member) => member.device === device && (member.hasRecord || members.has(device)));
  }

  #send(to: DeviceAddress, message: PipelineMessage): void {
    this.#links?.send(to, encodePipelineMessage(message));
  }

  /** Takes a member's word for what the blocks are now, where signed handoffs of keepers say the same. */
  #welcomed({ step, keepers, next, updates }: Extract<PipelineMessage, { kind: 'welcome' }>): void {
    if (this.#live !== undefined) {
      // Somebody else computes the same run and is further: two groups that did not know of each other.
      if (step > this.#live.member.step + 1 && !this.#isLeaving)
        void this.#rejoin().then(() => this.#advance());
      return;
    }
    if (step < (this.#welcome?.step ?? 0)) return;
    const state = step === 0 ? this.#options.first : this.#stateOf(step - 1, updates);
    if (state === undefined) return;
    const byBlock = new Map<string, DeviceAddress[]>();
    for (const { device, blocks } of keepers) {
      if (device === this.#options.device) continue;
      for (const block of blocks) byBlock.set(block, [...(byBlock.get(block) ?? []), device]);
    }
    // Handoffs of a step that is over are of no use any more.
    if (step !== this.#welcome?.step) {
      if (this.#welcome !== undefined) this.#missed++;
      this.#early = this.#early.filter(
        ({ message }) => message.kind !== 'handoff' || message.handoff.step >= step,
      );
    }
    this.#welcome = { step, state, keepers: byBlock, next: keepersOf(next) };
    this.#confirm(step, state);
    this.#keeper.wake();
    void this.#advance();
  }

  /** Tells a device what is computed now, where this one takes part. */
  #greet(to: DeviceAddress): void {
    for (const each of this.#live?.member.welcome([]) ?? []) this.#send(to, each);
  }

  /**
   * Gives a version that is in memory to a device that comes in, or remembers that it waits for that of the
   * next step.
   */
  async #give(
    to: DeviceAddress,
    { step, block }: Extract<PipelineMessage, { kind: 'fetch' }>,
  ): Promise<void> {
    const held = this.#held.get(block);
    if (held === undefined) return;
    if (step > held) {
      this.#awaited.add(to, block, step);
      return;
    }
    try {
      const file = await this.#options.worker.file(block, step);
      if (file.length <= MOST_GIVEN) this.#send(to, { kind: 'version', step, block, file });
    } catch {
      // It is of a step that is over. The device is told which one it is now.
      this.#greet(to);
    }
  }

  /** Takes a version that was asked for, where its tensors are the run's. */
  async #take({ step, block, file }: Extract<PipelineMessage, { kind: 'version' }>): Promise<void> {
    const welcome = this.#welcome;
    if (this.#isLeaving) return;
    if (this.#live !== undefined) {
      if (this.#asked.has(block)) await this.#keep(block, step, file);
      return;
    }
    if (welcome?.step !== step || this.#held.get(block) === step) return;
    const graph = this.#options.graphOf(step);
    const { roots } = await this.#options.worker.load(file);
    const isRight = [...graph.stateOf(block).keys()].every(
      (name) => roots.get(name) === welcome.state.get(name),
    );
    if (!isRight || this.#welcome !== welcome) {
      await this.#drop(block);
      return;
    }
    this.#held.set(block, step);
    await this.#advance();
  }

  /** The roots of all blocks' tensors after a step, from the handoffs of its updates. */
  #stateOf(step: number, updates: readonly Handoff[]): Roots | undefined {
    const graph = this.#options.graphOf(step);
    const state = new Map<string, Hex>();
    for (const handoff of updates) {
      if (handoff.step !== step || handoff.run !== this.#options.run) continue;
      const node = graph.nodes[handoff.hop];
      if (node === undefined || !graph.isForEveryKeeper(handoff.hop) || !this.#rules.isSigned(handoff))
        continue;
      const names = graph.stateOf(node.block);
      for (const { tensor, root } of handoff.outputs) if (names.has(tensor)) state.set(tensor, root);
    }
    const all = [...graph.state.values()].flatMap((tensors) => [...tensors.keys()]);
    return all.every((name) => state.has(name)) ? state : undefined;
  }

  /** Notes the versions of all blocks after so many steps. */
  #confirm(step: number, state: Roots): void {
    const graph = this.#options.graphOf(step);
    const versions = [...graph.state].map(
      ([block, tensors]): ConfirmedVersion => ({
        block,
        step,
        root: this.#rules.versionRoot(
          block,
          step,
          new Map([...tensors.keys()].map((name) => [name, rootIn(state, name)])),
        ),
      }),
    );
    const kept = this.#confirmed.filter((each) => each.step > step - REMEMBERED && each.step !== step);
    this.#confirmed = [...kept, ...versions];
    this.#steps = step;
  }

  /** Asks once a second what step it is, while this device comes in. */
  #tick(): void {
    if (this.#live === undefined && this.#welcome !== undefined) {
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
        this.#askOthers();
        await this.#adopt(this.#live);
      } else if (this.#welcome !== undefined) await this.#join(this.#welcome);
      else await this.#gather();
      if (this.#live === undefined) this.#failure = undefined;
    } catch (error) {
      this.#failure = `Blocks could not be taken in: ${messageOf(error)} It is tried again in a second.`;
    } finally {
      this.#isAdvancing = false;
      this.#changed();
    }
  }

  /** The blocks that this device is to keep. */
  #mine(): readonly string[] {
    return [...this.#keeper.placement()]
      .filter(([, { keepers }]) => keepers.includes(this.#options.device))
      .map(([block]) => block);
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

  /** Takes in blocks that this device is to keep and does not compute yet, as when another one has left. */
  async #adopt(live: LiveMember): Promise<void> {
    const { plan } = live.member;
    for (const block of this.#mine()) {
      if (this.#held.has(block)) continue;
      const file = await this.#options.keeping.store.read({ block, step: live.member.step });
      if (file !== undefined) await this.#keep(block, live.member.step, file);
      else this.#ask(block, { step: plan.step, keepers: new Map([[block, plan.keepers(block)]]) });
    }
  }

  /**
   * Computes the hops of one more block from now on, where this is its version before the step in progress.
   */
  async #keep(block: string, step: number, file: Uint8Array): Promise<void> {
    const live = this.#live;
    if (live === undefined || this.#held.has(block)) return;
    if (live.member.step + 1 === step) this.#coming.set(block, { step, file });
    if (live.member.step !== step) return;
    const { roots } = await this.#options.worker.load(file);
    const { state, graph } = live.member.book;
    const isRight = [...graph.stateOf(block).keys()].every((name) => roots.get(name) === state.get(name));
    // Meanwhile the step may be over: then the version of the next one is needed.
    if (this.#live !== live || live.member.step !== step || !isRight) {
      await this.#drop(block);
      return;
    }
    this.#held.set(block, step);
    live.keep([block]);
  }

  async #drop(block: string): Promise<void> {
    this.#held.delete(block);
    await this.#options.worker.release(block);
  }

  /** Nobody computes yet: takes blocks as the run starts with them, until each has a keeper. */
  async #gather(): Promise<void> {
    const { keeping, first } = this.#options;
    const others = keeping.members();
    if (others.length > 0 && this.#hellos < ASKED) {
      this.#hellos++;
      for (const { device } of others) this.#send(device, { kind: 'hello' });
      return;
    }
    for (const block of this.#mine()) {
      if (this.#held.has(block)) continue;
      const { roots } = await this.#options.worker.begin(block);
      for (const [name, root] of roots) {
        if (first.get(name) !== root) throw new Error(`${block} of this device is not the run's.`);
      }
      await this.#store(block, 0);
      this.#held.set(block, 0);
    }
    if (this.#welcome !== undefined) return;
    const keepers = this.#holders(0);
    if (keeping.blocks.some(({ id }) => (keepers.get(id) ?? []).length === 0)) return;
    // Others that came at the same time have not been heard yet.
    if (this.#options.scheduler.now() - this.#startedAt < GATHER_MS) return;
    if (this.#held.size > 0) this.#compute({ step: 0, state: first, keepers });
  }

  /** The others compute: fetches what this device is to keep, and comes in. */
  async #join(welcome: Welcome): Promise<void> {
    const { keeping, worker } = this.#options;
    const { step } = welcome;
    const mine = this.#mine();
    for (const block of mine) {
      if (this.#held.get(block) === step) continue;
      const file = await keeping.store.read({ block, step });
      if (file === undefined) {
        this.#ask(block, welcome);
        continue;
      }
      await worker.load(file);
      this.#held.set(block, step);
    }
    const here = mine.filter((block) => this.#held.get(block) === step);
    if (here.length === 0 || this.#welcome?.step !== step) {
      this.#keeper.wake();
      return;
    }
    // The other blocks of this device come while it computes.
    for (const block of [...this.#held.keys()]) if (!here.includes(block)) await this.#drop(block);
    this.#compute({ ...welcome, joins: here });
    const others = new Set([...welcome.keepers.values()].flat());
    for (const device of others) this.#send(device, { kind: 'join', step, blocks: here });
  }

  /**
   * Asks a keeper for a version, once in a second, another one each time. Where a step was over before all
   * versions of it were here, those of the next one are asked for, and come the moment that it begins.
   */
  #ask(block: string, { step: current, keepers }: Pick<Welcome, 'step' | 'keepers'>): void {
    const step = this.#missed === 0 && this.#live === undefined ? current : current + 1;
    const now = this.#options.scheduler.now();
    const before = this.#asked.get(block);
    // One that was asked for while its step was still to come is on its way.
    const isAsked = before?.step === step || before?.step === current;
    if (before !== undefined && isAsked && now - before.at < ASK_AGAIN_MS) return;
    const holders = (keepers.get(block) ?? []).filter((device) => device !== this.#options.device);
    const turn = before === undefined ? 0 : before.turn + 1;
    const from = holders[turn % Math.max(1, holders.length)];
    this.#asked.set(block, { step, at: now, turn });
    if (from !== undefined) this.#send(from, { kind: 'fetch', step, block });
  }

  /** Who says that it holds the blocks of that step. */
  #holders(step: number): Keepers {
    const keepers = new Map<string, DeviceAddress[]>();
    const add = (block: string, device: DeviceAddress) =>
      keepers.set(block, [...(keepers.get(block) ?? []), device]);
    for (const version of this.#confirmed.filter((each) => each.step === step)) {
      if (this.#held.get(version.block) === step) add(version.block, this.#options.device);
      for (const device of this.#keeper.holdersOf(version)) add(version.block, device);
    }
    return keepers;
  }

  #compute(start: MemberOptions['start']): void {
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
    });
    const live = new LiveMember({
      member,
      scheduler,
      compute: (step, hop, inputs, signal) => worker.compute(step, hop, inputs, signal),
      send: (to, message) => this.#send(to, message),
      onFinished: (step, state) => this.#finished(step, state),
      onBehind: () => void this.#rejoin().then(() => this.#advance()),
      onFailure: (hop, error) => {
        this.#failure = `Hop ${hop} could not be computed here: ${messageOf(error)}`;
        this.#changed();
      },
    });
    this.#live = live;
    const early = this.#early;
    this.#early = [];
    live.start();
    for (const { from, message } of early) live.receive(from, message);
  }

  #finished(step: number, state: Roots): void {
    const next = step + 1;
    this.#confirm(next, state);
    for (const block of this.#held.keys()) this.#held.set(block, next);
    this.#serveAwaited(next);
    for (const block of this.#held.keys()) {
      this.#store(block, next).catch((error: unknown) => {
        this.#failure = `${block} was not written: ${messageOf(error)}`;
      });
    }
    const coming = [...this.#coming];
    this.#coming.clear();
    for (const [block, { step: of, file }] of coming) {
      if (of === next) void this.#keep(block, of, file).catch(() => undefined);
    }
    this.#options.onStep?.(step, state, this.#shares());
    this.#changed();
  }

  /** Gives devices that come in what they wait for. They hear first which step has begun. */
  #serveAwaited(step: number): void {
    const awaited = this.#awaited.take(step);
    for (const to of new Set(awaited.map((each) => each.to))) this.#greet(to);
    for (const { to, block } of awaited) void this.#give(to, { kind: 'fetch', step, block });
  }

  #shares(): StepShares {
    const member = this.#live?.member;
    const hops = new Map<DeviceAddress, number>();
    for (const { device } of member?.previousBook?.handoffs() ?? [])
      hops.set(device, (hops.get(device) ?? 0) + 1);
    return { hops, takeovers: member?.takeovers ?? 0 };
  }

  /** Writes a version to the medium, where this device is to keep it. */
  async #store(block: string, step: number): Promise<void> {
    const confirmed = this.#confirmed.find((each) => each.block === block && each.step === step);
    const computation = confirmed === undefined ? undefined : this.#keeper.begin({ block, step });
    if (confirmed === undefined || computation === undefined) return;
    try {
      await computation.store(confirmed.root, await this.#options.worker.file(block, step));
    } catch (error) {
      computation.abandon();
      throw error;
    }
  }

  /** The others are ahead: everything is fetched again. */
  async #rejoin(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    try {
      const live = this.#live;
      this.#live = undefined;
      await live?.stop();
      for (const block of [...this.#held.keys()]) await this.#options.worker.release(block);
    } finally {
      this.#held.clear();
      this.#coming.clear();
      this.#asked.clear();
      this.#welcome = undefined;
      this.#hellos = 0;
      this.#missed = 0;
      this.#isLeaving = false;
    }
  }
}

/** A tensor's root. Throws RangeError where it is missing, which would make a version of another model. */
function rootIn(state: Roots, tensor: string): Hex {
  const root = state.get(tensor);
  if (root === undefined) throw new RangeError(`The root of ${tensor} is not known.`);
  return root;
}
