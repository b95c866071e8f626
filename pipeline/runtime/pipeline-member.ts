/**
 * One device in a pipeline of training over blocks, as a state machine without a clock or a network. Every
 * member has the same plan and sees every handoff, so nobody leads: each knows which hops can start, who is
 * to compute them, and when that device is late. Then the hop goes to the next keeper of its block.
 *
 * - A hop's outputs go to the devices that compute what reads them. Its handoff goes to everybody.
 * - Whoever gave an input keeps it until the hop that reads it is handed off, and sends it on to the next
 *   keeper when the first one is late.
 * - A device that lacks an input asks whoever has it, and a keeper that has lost it computes it again. All
 *   follows from the step's data and the blocks' versions, so any one keeper of each block is enough.
 * - Every keeper of a block computes its update, and compares the roots.
 */
import type { Handoff, HandoffStatement } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { type HandoffRules, Handoffs, type Verdict } from './handoffs.ts';
import type { HopGraph } from './hop-graph.ts';
import { HopRunner } from './hop-runner.ts';
import type { PipelineMessage } from './messages.ts';
import { StepBook } from './step-book.ts';
import { type Keepers, StepPlan } from './step-plan.ts';
import { StepWork, type Want } from './step-work.ts';

/** A tensor that this device computed. */
export interface ComputedTensor {
  readonly bytes: Uint8Array;
  readonly root: Hex;
}

export type MemberEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly from: DeviceAddress; readonly message: PipelineMessage }
  | {
      readonly kind: 'computed';
      readonly step: number;
      readonly hop: number;
      readonly outputs: ReadonlyMap<string, ComputedTensor>;
    }
  /** The device could not compute a hop. */
  | { readonly kind: 'failed'; readonly step: number; readonly hop: number }
  /** The connection to a device ended. */
  | { readonly kind: 'gone'; readonly device: DeviceAddress }
  /** The time of `nextWake` has come. */
  | { readonly kind: 'tick' };

export type MemberAction =
  | { readonly kind: 'send'; readonly to: DeviceAddress; readonly message: PipelineMessage }
  | {
      readonly kind: 'compute';
      readonly step: number;
      readonly hop: number;
      readonly inputs: ReadonlyMap<string, Uint8Array>;
    }
  /** All hops of a step are done. `state` has the roots of the blocks' tensors after it. */
  | { readonly kind: 'finished'; readonly step: number; readonly state: ReadonlyMap<string, Hex> }
  /** The others are more than a step ahead. The device has to fetch its blocks and join again. */
  | { readonly kind: 'behind'; readonly step: number };

export interface MemberOptions {
  readonly device: DeviceAddress;
  readonly rules: HandoffRules;
  readonly sign: (statement: HandoffStatement) => Handoff;
  readonly graphOf: (step: number) => HopGraph;
  /** Roots of a step's data, by tensor. */
  readonly dataOf: (step: number) => ReadonlyMap<string, Hex>;
  /** The step after which the run ends: it is not computed. */
  readonly end: number;
  readonly start: {
    readonly step: number;
    /** Roots of the blocks' tensors before the step. */
    readonly state: ReadonlyMap<string, Hex>;
    /** Who is placed for the blocks in this step. */
    readonly keepers: Keepers;
    /** Who is placed in the step after it, as far as that is known. */
    readonly next?: Keepers;
    /** Blocks with which this device comes in during the step. */
    readonly joins?: readonly string[];
  };
  /** Microbatches that a device keeps at a block at once. Defaults to as many as there are. */
  readonly slots?: number;
  /** To a device and back, in milliseconds. */
  readonly roundTrip: (device: DeviceAddress) => number;
  /** How long a device may take of which too little is known, in milliseconds. Defaults to 10,000. */
  readonly firstDeadline?: number;
}

/** Messages of the next step that are kept until this one is done. */
const MOST_FUTURE = 8192;
/** Handoffs that wait for others before them. */
const MOST_EARLY = 8192;
const FIRST_DEADLINE = 10_000;
/** How long a device computes again what is lost before it asks late ones, too, in deadlines. */
const SELF_DEADLINES = 4;
/** How often everybody is asked for what only this device needs. */
const MOST_ROUNDS = 3;

interface Received {
  readonly from: DeviceAddress;
  readonly message: Extract<PipelineMessage, { kind: 'handoff' }>;
}

export class PipelineMember {
  readonly handoffs: Handoffs;
  readonly #options: MemberOptions;
  readonly #me: DeviceAddress;
  readonly #runners = new Map<DeviceAddress, HopRunner>();
  /** Since when a device counts as late. */
  readonly #suspects = new Map<DeviceAddress, number>();
  readonly #holders = new Map<string, Set<DeviceAddress>>();
  /** Who handed the update of a block off, by step and block. */
  readonly #updaters = new Map<number, Map<string, Set<DeviceAddress>>>();
  #plan: StepPlan;
  #book: StepBook;
  #work: StepWork;
  #previous: { readonly plan: StepPlan; readonly book: StepBook } | undefined;
  /** Hops that can be computed and are not done, and who is to compute them. */
  readonly #asked = new Map<number, DeviceAddress>();
  readonly #failed = new Set<number>();
  /** Devices that are more than a step ahead. */
  readonly #ahead = new Set<DeviceAddress>();
  /** Devices that have a tensor or were sent it, as far as this one knows. */
  readonly #copies = new Map<string, Set<DeviceAddress>>();
  #early: Received[] = [];
  #future: Received[] = [];
  #catchUp: { readonly device: DeviceAddress; readonly at: number } | undefined;
  #isOver = false;
  #takeovers = 0;
  #now = 0;
  #out: MemberAction[] = [];

  /** Throws NoKeeperError where a block of the first step has no keeper. */
  constructor(options: MemberOptions) {
    this.#options = options;
    this.#me = options.device;
    this.handoffs = new Handoffs(options.rules);
    const { step, state, keepers, next = new Map(), joins = [] } = options.start;
    for (const known of [keepers, next])
      for (const [block, devices] of known) for (const device of devices) this.#holds(device, block);
    for (const block of joins) this.#holds(options.device, block);
    this.#updaters.set(step - 2, setsOf(keepers));
    if (next.size > 0) this.#updaters.set(step - 1, setsOf(next));
    this.#plan = this.#planOf(step);
    this.#book = this.#bookOf(step, state);
    this.#work = this.#workOf(this.#plan);
  }

  /** The step in progress, or the run's end. */
  get step(): number {
    return this.#isOver ? this.#options.end : this.#plan.step;
  }

  get plan(): StepPlan {
    return this.#plan;
  }

  get book(): StepBook {
    return this.#book;
  }

  /** Hops that went to another keeper because the first one was late, as this device saw it. */
  get takeovers(): number {
    return this.#takeovers;
  }

  /** Devices that are late. */
  get suspects(): readonly DeviceAddress[] {
    return [...this.#suspects.keys()];
  }

  /** How long the others wait for a device of which this member knows that it computes such a hop. */
  deadlineOf(device: DeviceAddress, kind: string): number {
    return this.#runner(device).deadline([kind]);
  }

  /** When the next `tick` is due, in the clock's milliseconds. */
  get nextWake(): number | undefined {
    const times = [...this.#runners.values()].map((runner) => runner.lateAt);
    for (const { until } of this.#work.wants.values()) times.push(until);
    for (const [, askAt] of this.#work.waiting) if (askAt > this.#now) times.push(askAt);
    times.push(this.#catchUp?.at);
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** Takes one event and says what is to be done. `now` never goes back. In milliseconds. */
  handle(event: MemberEvent, now: number): MemberAction[] {
    this.#now = now;
    this.#out = [];
    switch (event.kind) {
      case 'start':
        this.#begin();
        break;
      case 'message':
        this.#onMessage(event.from, event.message);
        break;
      case 'computed':
        this.#onComputed(event);
        break;
      case 'failed':
        this.#onFailed(event);
        break;
      case 'gone':
        for (const devices of this.#holders.values()) devices.delete(event.device);
        this.#suspect(event.device);
        break;
      case 'tick':
        break;
    }
    this.#goOn();
    return this.#out;
  }

  /** What a device needs that comes in: the step and who keeps what, then the handoffs so far. */
  welcome(paths: readonly (readonly number[])[]): PipelineMessage[] {
    const last = this.#previous?.book.handoffs() ?? [];
    const updates = last.filter(({ hop }) => this.#previous?.plan.graph.isForEveryKeeper(hop) === true);
    const { step, placed } = this.#plan;
    const keepers = entriesOf(placed);
    const next = entriesOf(this.#updaters.get(step - 1) ?? new Map());
    return [
      { kind: 'welcome', step: this.step, paths, keepers, next, updates },
      ...this.#book.handoffs().map((handoff) => handoffMessage(handoff)),
    ];
  }

  // A step from its beginning to its end.

  /**
   * The plan of a step. Keepers are those whose updates of two steps before are known. By now everybody knows
   * the same ones, so that all have the same plan. Whoever came later, or was heard again, comes last.
   */
  #planOf(step: number): StepPlan {
    const known = this.#updaters.get(step - 2);
    const keepers = new Map(
      [...this.#holders].map(([block, devices]) => [block, [...(known?.get(block) ?? devices)]] as const),
    );
    const plan = new StepPlan(step, this.#options.graphOf(step), keepers);
    for (const [block, devices] of this.#holders)
      for (const device of devices) if (!this.#suspects.has(device)) plan.join(device, [block]);
    return plan;
  }

  /** The devices that get a tensor because they compute what reads it. */
  #receiversOf(tensor: string): Set<DeviceAddress> {
    const { graph } = this.#plan;
    return new Set(
      graph
        .readersOf(tensor)
        .flatMap((hop) =>
          graph.isForEveryKeeper(hop)
            ? this.#plan.keepers(graph.node(hop).block)
            : [this.#asked.get(hop) ?? this.#responsible(hop)],
        ),
    );
  }

  /** A device has a block's version after a step. */
  #hasUpdated(device: DeviceAddress, { step, hop }: Handoff, graph: HopGraph): void {
    if (!graph.isForEveryKeeper(hop)) return;
    const { block } = graph.node(hop);
    const blocks = this.#updaters.get(step) ?? new Map<string, Set<DeviceAddress>>();
    this.#updaters.set(step, blocks);
    blocks.set(block, (blocks.get(block) ?? new Set()).add(device));
    this.#holds(device, block);
  }

  #holds(device: DeviceAddress, block: string): void {
    this.#holders.set(block, (this.#holders.get(block) ?? new Set()).add(device));
  }

  #bookOf(step: number, state: ReadonlyMap<string, Hex>): StepBook {
    return new StepBook({ graph: this.#plan.graph, data: this.#options.dataOf(step), state });
  }

  #workOf(plan: StepPlan): StepWork {
    return new StepWork({
      graph: plan.graph,
      slots: this.#slots,
      isPlaced: (hop) => plan.order(hop)[0] === this.#me,
    });
  }

  get #slots(): number {
    return this.#options.slots ?? Number.POSITIVE_INFINITY;
  }

  #begin(): void {
    for (const hop of this.#book.firstHops()) if (!this.#book.isDone(hop)) this.#assign(hop);
  }

  #goOn(): void {
    for (let next = true; next; ) {
      this.#checkDeadlines();
      this.#checkWants();
      this.#fetchInputs();
      this.#startNext();
      next = this.#stepIsOver();
      if (next) this.#nextStep();
    }
  }

  /**
   * Devices that are late and did not compute a step's update are not expected to come back by themselves.
   */
  #forget(step: number): void {
    for (const [block, devices] of this.#holders) {
      const updaters = this.#updaters.get(step)?.get(block);
      if (updaters === undefined) continue;
      for (const device of devices)
        if (this.#suspects.has(device) && !updaters.has(device)) devices.delete(device);
    }
  }

  #stepIsOver(): boolean {
    if (this.#isOver || !this.#book.isComplete) return false;
    return this.#plan.graph.nodes.every(
      ({ index, block }) =>
        !this.#plan.graph.isForEveryKeeper(index) ||
        !this.#plan.isKeeper(block, this.#me) ||
        this.#work.computed.has(index) ||
        this.#failed.has(index),
    );
  }

  #nextStep(): void {
    const step = this.#plan.step + 1;
    const state = this.#book.stateAfter();
    this.#out.push({ kind: 'finished', step: this.#plan.step, state });
    this.#previous = { plan: this.#plan, book: this.#book };
    this.#updaters.delete(step - 3);
    this.#forget(step - 2);
    this.#asked.clear();
    this.#failed.clear();
    this.#ahead.clear();
    this.#copies.clear();
    this.#early = [];
    this.#catchUp = undefined;
    for (const runner of this.#runners.values()) runner.reset();
    if (step >= this.#options.end) {
      this.#isOver = true;
      this.#work.wants.clear();
      return;
    }
    this.#plan = this.#planOf(step);
    this.#book = this.#bookOf(step, state);
    this.#work = this.#workOf(this.#plan);
    this.#begin();
    const waiting = this.#future;
    this.#future = [];
    for (const received of waiting) this.#onHandoff(received);
  }

  // Who computes a hop.

  /** The first of a hop's keepers that is not late; where all are, the one that was late longest ago. */
  #responsible(hop: number): DeviceAddress {
    const order = this.#plan
      .order(hop)
      .filter(
        (device) => device !== this.#me || !this.#failed.has(hop) || this.#plan.order(hop).length === 1,
      );
    const lateSince = (device: DeviceAddress) => this.#suspects.get(device) ?? Number.NEGATIVE_INFINITY;
    return order.reduce((best, device) => (lateSince(device) < lateSince(best) ? device : best));
  }

  #assign(hop: number): void {
    const device = this.#responsible(hop);
    const node = this.#plan.graph.node(hop);
    this.#asked.set(hop, device);
    if (device !== this.#me) this.#runner(device).assign(node, this.#now);
    if (this.#isMine(hop)) this.#work.add(hop, this.#now + this.#grace(hop));
  }

  #isMine(hop: number): boolean {
    const { block } = this.#plan.graph.node(hop);
    const isOwn = this.#plan.graph.isForEveryKeeper(hop) && this.#plan.isKeeper(block, this.#me);
    return isOwn || this.#asked.get(hop) === this.#me;
  }

  /** Whoever gave the inputs may have sent them on without being asked. */
  #grace(hop: number): number {
    return Math.max(
      0,
      ...this.#plan.graph.before(hop).map((from) => {
        const device = this.#book.accepted(from)?.device;
        return device === undefined || device === this.#me ? 0 : this.#options.roundTrip(device);
      }),
    );
  }

  #runner(device: DeviceAddress): HopRunner {
    const known = this.#runners.get(device);
    if (known !== undefined) return known;
    const runner = new HopRunner({
      slots: this.#slots,
      roundTrip: () => this.#options.roundTrip(device),
      firstDeadline: this.#options.firstDeadline ?? FIRST_DEADLINE,
    });
    this.#runners.set(device, runner);
    return runner;
  }

  // Devices that are late.

  #checkDeadlines(): void {
    for (const [device, runner] of this.#runners) {
      const { lateAt } = runner;
      if (lateAt !== undefined && lateAt <= this.#now) this.#suspect(device);
    }
    if (this.#catchUp === undefined || this.#catchUp.at > this.#now) return;
    const { device } = this.#catchUp;
    this.#catchUp = undefined;
    for (const { index } of this.#plan.graph.nodes)
      if (!this.#book.isDone(index)) this.#sendWant(device, index);
  }

  /**
   * Everything that the device was to compute goes to the next keeper, with the inputs that are here. So does
   * what it computed and alone had.
   */
  #suspect(device: DeviceAddress): void {
    if (device === this.#me || this.#isOver) return;
    const { graph } = this.#plan;
    const undone = graph.nodes.filter(({ index }) => !this.#book.isDone(index));
    const placeOf = (hop: number) => this.#asked.get(hop) ?? this.#responsible(hop);
    const moved = undone.filter(({ index }) => placeOf(index) === device).map(({ index }) => index);
    this.#suspects.set(device, this.#now);
    const lost = this.#lostHops(undone);
    this.#runner(device).giveUp();
    this.#pingOthers();
    const parcels = new Map<DeviceAddress, Set<string>>();
    const send = (to: DeviceAddress, hop: number) => {
      const parcel = parcels.get(to) ?? new Set();
      for (const name of this.#toSend(hop)) parcel.add(name);
      parcels.set(to, parcel);
    };
    for (const hop of moved) {
      const isAsked = this.#asked.has(hop);
      if (isAsked) {
        this.#runner(device).release(hop);
        this.#assign(hop);
        this.#takeovers++;
      }
      const next = placeOf(hop);
      if (next === this.#me) continue;
      send(next, hop);
      if (!isAsked) continue;
      this.#runner(next).probe(this.#now);
      this.#sendWant(next, hop);
    }
    for (const [hop, readers] of lost) {
      const next = this.#responsible(hop);
      for (const name of graph.node(hop).outputs) this.#copies.get(name)?.add(next);
      if (next !== this.#me) send(next, hop);
      else for (const reader of readers) this.#computeAgain(hop, placeOf(reader));
    }
    for (const [to, names] of parcels) this.#sendTensors(to, names);
    for (const [hop, want] of this.#work.wants) if (want.asked === device) this.#tryAnother(hop, want);
  }

  /** Where one device is silent others may be, too. */
  #pingOthers(): void {
    for (const device of this.#plan.members) {
      const runner = this.#runner(device);
      if (device === this.#me || this.#suspects.has(device) || !runner.isSilent(this.#now)) continue;
      runner.probe(this.#now);
      this.#send(device, { kind: 'ping', step: this.#plan.step });
    }
  }

  /** Hops whose outputs only late devices have, with the hops that wait for these outputs. */
  #lostHops(undone: readonly { readonly index: number }[]): ReadonlyMap<number, readonly number[]> {
    const { graph } = this.#plan;
    const lost = new Map<number, number[]>();
    for (const { index } of undone)
      for (const name of graph.travelling(index)) {
        const producer = graph.producerOf(name);
        if (producer === undefined || !this.#book.isDone(producer) || this.#book.held(name) !== undefined)
          continue;
        const copies = [...(this.#copies.get(name) ?? [])];
        if (copies.every((device) => this.#suspects.has(device)))
          lost.set(producer, [...(lost.get(producer) ?? []), index]);
      }
    return lost;
  }

  #computeAgain(hop: number, reader: DeviceAddress): void {
    const askers = this.#work.askers.get(hop) ?? new Map<DeviceAddress, readonly string[]>();
    if (reader !== this.#me) this.#work.askers.set(hop, askers.set(reader, this.#neededAt(reader, hop)));
    this.#work.add(hop, this.#now + this.#grace(hop));
  }

  /** Inputs of a hop that this device gave, or has from one that is late. */
  #toSend(hop: number): string[] {
    return this.#plan.graph.travelling(hop).filter((name) => {
      const producer = this.#plan.graph.producerOf(name);
      const signer = producer === undefined ? undefined : this.#book.accepted(producer)?.device;
      if (signer === undefined || this.#book.held(name) === undefined) return false;
      return signer === this.#me || this.#suspects.has(signer);
    });
  }

  #sendTensors(to: DeviceAddress, names: ReadonlySet<string>): void {
    const byHop = new Map<number, string[]>();
    for (const name of names) {
      const hop = this.#plan.graph.producerOf(name);
      if (hop !== undefined) byHop.set(hop, [...(byHop.get(hop) ?? []), name]);
    }
    for (const [hop, tensors] of byHop) this.#sendHandoff(to, hop, tensors);
  }

  /** A sign of life. */
  #heard(device: DeviceAddress): void {
    if (!this.#suspects.delete(device)) return;
    const blocks = [...this.#holders].filter(([, devices]) => devices.has(device)).map(([block]) => block);
    this.#plan.join(device, blocks);
  }

  // Messages.

  #onMessage(from: DeviceAddress, message: PipelineMessage): void {
    this.#runner(from).heard(this.#now);
    switch (message.kind) {
      case 'handoff':
        this.#onHandoff({ from, message });
        return;
      case 'want':
        this.#onWant(from, message);
        return;
      case 'lack':
        this.#onLack(from, message);
        return;
      case 'join':
        this.#onJoin(from, message.blocks);
        return;
      case 'ping':
        this.#send(from, { kind: 'pong', step: this.#plan.step });
        return;
      case 'busy':
        this.#onBusy(from, message);
        return;
      case 'pong':
        if (message.step > this.#plan.step + 1) this.#isBehind(from, message.step);
        return;
      case 'hello':
      case 'welcome':
        return;
    }
  }

  #onHandoff(received: Received): void {
    const { from, message } = received;
    const { handoff } = message;
    if (this.#isOver || handoff.step < this.#plan.step) {
      this.#onPast(received);
      return;
    }
    if (handoff.step > this.#plan.step) {
      this.#onFuture(received);
      return;
    }
    const verdict = this.handoffs.check(handoff, this.#book, this.#plan);
    if (verdict.kind === 'early' && this.#early.length < MOST_EARLY) this.#early.push(received);
    if (verdict.kind === 'refused' || verdict.kind === 'early') return;
    if (from === handoff.device) {
      this.#heard(from);
      this.#runner(from).handedOff(this.#plan.graph.node(handoff.hop), this.#now);
      if (verdict.kind !== 'conflict') this.#hasUpdated(from, handoff, this.#plan.graph);
    }
    if (verdict.kind === 'conflict') return;
    if (verdict.kind === 'new') this.#accept(handoff);
    this.#take(received);
    this.#answerAskers(handoff.hop);
    if (verdict.kind === 'new') this.#retryEarly();
  }

  #onPast({ from, message: { handoff } }: Received): void {
    const past = this.#previous;
    if (past?.plan.step !== handoff.step) return;
    const verdict: Verdict = this.handoffs.check(handoff, past.book, past.plan);
    if (verdict.kind !== 'duplicate' || from !== handoff.device || this.#isOver) return;
    this.#hasUpdated(from, handoff, past.plan.graph);
    this.#heard(from);
  }

  #onFuture(received: Received): void {
    const { from, message } = received;
    if (message.handoff.step > this.#plan.step + 1) {
      if (message.handoff.run !== this.#options.rules.run || message.handoff.step >= this.#options.end)
        this.handoffs.refuse('step', from);
      else this.#isBehind(from, message.handoff.step);
      return;
    }
    if (message.handoff.step >= this.#options.end || this.#future.length >= MOST_FUTURE) {
      this.handoffs.refuse('step', from);
      return;
    }
    this.#future.push(received);
    this.#catchUp ??= { device: from, at: this.#now + this.#options.roundTrip(from) };
  }

  /** Two others say that they are more than a step ahead. One alone may lie. */
  #isBehind(from: DeviceAddress, step: number): void {
    this.#ahead.add(from);
    const others = this.#plan.members.size - (this.#plan.members.has(this.#me) ? 1 : 0);
    if (!this.#isOver && this.#ahead.size >= Math.min(2, others)) this.#out.push({ kind: 'behind', step });
  }

  #retryEarly(): void {
    const early = this.#early;
    this.#early = [];
    for (const received of early) this.#onHandoff(received);
  }

  #accept(handoff: Handoff): void {
    const { hop, device } = handoff;
    const { graph } = this.#plan;
    const node = graph.node(hop);
    const ready = this.#book.accept(handoff);
    for (const name of node.outputs) this.#copies.set(name, this.#receiversOf(name).add(device));
    const asked = this.#asked.get(hop);
    if (asked !== undefined) this.#runner(asked).release(hop);
    this.#asked.delete(hop);
    if (node.slot === 'gives') {
      for (const runner of this.#runners.values()) runner.letGo(node);
      if (device !== this.#me) this.#work.letGo(hop);
    }
    if (!graph.isForEveryKeeper(hop) && !this.#work.askers.has(hop)) this.#work.remove(hop);
    for (const next of ready) if (!this.#book.isDone(next)) this.#assign(next);
    for (const name of node.inputs) this.#dropConfirmed(name);
    for (const before of graph.before(hop))
      for (const name of graph.node(before).inputs) this.#dropConfirmed(name);
  }

  /**
   * Nobody needs the bytes any more: what reads them is handed off, and what reads that. Until then the
   * outputs of the first may be at one device only.
   */
  #dropConfirmed(tensor: string): void {
    const { graph } = this.#plan;
    const isOpen = (hop: number) =>
      !this.#book.isDone(hop) || graph.isForEveryKeeper(hop) || this.#work.has(hop);
    const isNeeded = (hop: number) => isOpen(hop) || graph.after(hop).some(isOpen);
    if (!graph.readersOf(tensor).some(isNeeded)) this.#book.drop(tensor);
  }

  /** Keeps the tensors of a message that hops here still need, where they are what the handoff says. */
  #take({ from, message }: Received): void {
    const accepted = this.#book.accepted(message.handoff.hop);
    if (accepted === undefined) return;
    for (const { name, bytes } of message.tensors) {
      if (this.#book.held(name) !== undefined) continue;
      if (!this.handoffs.takes(accepted, name, bytes, this.#book, from)) continue;
      this.#book.hold(name, bytes);
      this.#dropConfirmed(name);
    }
    const want = this.#work.wants.get(message.handoff.hop);
    if (want !== undefined && [...want.tensors].every((name) => this.#book.held(name) !== undefined))
      this.#work.wants.delete(message.handoff.hop);
  }

  #onJoin(from: DeviceAddress, blocks: readonly string[]): void {
    if (from === this.#me) return;
    for (const block of blocks) if (this.#holders.has(block)) this.#holds(from, block);
    this.#suspects.delete(from);
    if (this.#isOver) return;
    this.#plan.join(from, blocks);
    for (const handoff of this.#book.handoffs())
      if (handoff.device === this.#me || this.#suspects.has(handoff.device))
        this.#send(from, handoffMessage(handoff));
  }

  // What is missing.

  #fetchInputs(): void {
    for (const [hop, askAt] of this.#work.waiting) {
      if (!this.#book.isReady(hop)) continue;
      const missing = this.#book.missing(hop);
      if (missing.length === 0) this.#work.enqueue(hop);
      else if (askAt <= this.#now) for (const name of missing) this.#want(name);
    }
  }

  #want(tensor: string): void {
    const hop = this.#plan.graph.producerOf(tensor);
    if (hop === undefined) return;
    const want = this.#work.wants.get(hop);
    if (want !== undefined) {
      want.tensors.add(tensor);
      return;
    }
    this.#work.wants.set(hop, {
      tensors: new Set([tensor]),
      tried: new Set(),
      asked: undefined,
      until: this.#now,
      rounds: 0,
    });
    this.#askNext(hop);
  }

  #checkWants(): void {
    for (const [hop, want] of this.#work.wants) {
      if (want.until > this.#now) continue;
      this.#tryAnother(hop, want);
    }
  }

  #tryAnother(hop: number, want: Want): void {
    if (want.asked !== undefined) want.tried.add(want.asked);
    this.#askNext(hop);
  }

  /** Asks whoever may have a hop's tensors: its signer, those that read them, then its block's keepers. */
  #askNext(hop: number): void {
    const want = this.#work.wants.get(hop);
    if (want === undefined) return;
    const { graph } = this.#plan;
    const { block, kind } = graph.node(hop);
    const holders = [hop, ...graph.after(hop)].flatMap((done) => this.#book.accepted(done)?.device ?? []);
    const others = [...holders, ...this.#plan.order(hop)].filter(
      (device) => device !== this.#me && !want.tried.has(device),
    );
    const prompt = (device: DeviceAddress) => !this.#suspects.has(device);
    const holder = others.find((device) => holders.includes(device) && prompt(device));
    const isKeeper = this.#plan.isKeeper(block, this.#me) && !this.#failed.has(hop);
    if (holder === undefined && isKeeper && !this.#work.has(hop)) {
      want.asked = undefined;
      want.until = this.#now + SELF_DEADLINES * this.#runner(this.#me).deadline([kind]);
      this.#work.add(hop, this.#now);
      return;
    }
    want.asked = holder ?? others.find(prompt) ?? others[0];
    if (want.asked === undefined) {
      this.#askAgain(hop, want);
      return;
    }
    want.until = this.#now + this.#runner(want.asked).deadline([kind]);
    this.#runner(want.asked).probe(this.#now);
    this.#send(want.asked, { kind: 'want', step: this.#plan.step, hop, tensors: [...want.tensors] });
  }

  /** Everybody was asked. What only this device still needs, it has to fetch as the block's next version. */
  #askAgain(hop: number, want: Want): void {
    const { graph } = this.#plan;
    want.tried.clear();
    want.rounds++;
    want.until = this.#now + this.#runner(this.#me).deadline([graph.node(hop).kind]);
    const isOpen = graph.after(hop).some((reader) => !this.#book.isDone(reader));
    if (want.rounds >= MOST_ROUNDS && !isOpen) this.#out.push({ kind: 'behind', step: this.#plan.step + 1 });
  }

  /** Asks for a hop's handoff, and for what is needed here of its outputs. */
  #sendWant(to: DeviceAddress, hop: number): void {
    const tensors = this.#neededAt(this.#me, hop).filter((name) => this.#book.held(name) === undefined);
    this.#send(to, { kind: 'want', step: this.#plan.step, hop, tensors });
  }

  #onWant(from: DeviceAddress, { step, hop, tensors }: Extract<PipelineMessage, { kind: 'want' }>): void {
    const current = !this.#isOver && step === this.#plan.step;
    const { plan, book } = current ? { plan: this.#plan, book: this.#book } : (this.#previous ?? {});
    if (plan?.step !== step || book === undefined) {
      if (step < this.step) this.#send(from, { kind: 'pong', step: this.step });
      return;
    }
    const node = plan.graph.nodes[hop];
    if (node === undefined || tensors.some((name) => !node.outputs.includes(name))) {
      this.handoffs.refuse('hop', from);
      return;
    }
    const handoff = book.accepted(hop);
    const held = tensors.flatMap((name) => {
      const bytes = book.held(name);
      return bytes === undefined ? [] : [{ name, bytes }];
    });
    if (handoff !== undefined && held.length === tensors.length) {
      this.#send(from, { kind: 'handoff', handoff, tensors: held });
    } else if (current && plan.isKeeper(node.block, this.#me) && !this.#failed.has(hop)) {
      const askers = this.#work.askers.get(hop) ?? new Map<DeviceAddress, readonly string[]>();
      this.#work.askers.set(hop, askers.set(from, tensors));
      this.#send(from, { kind: 'busy', step, hop });
      if (handoff !== undefined) this.#work.add(hop, this.#now);
      else if (book.isReady(hop)) this.#work.add(hop, this.#now + this.#grace(hop));
    } else {
      this.#send(from, { kind: 'lack', step, hop });
    }
  }

  #onBusy(from: DeviceAddress, { step, hop }: Extract<PipelineMessage, { kind: 'busy' }>): void {
    const want = this.#work.wants.get(hop);
    if (step !== this.#plan.step || want?.asked !== from) return;
    const { kind } = this.#plan.graph.node(hop);
    want.until = Math.max(want.until, this.#now + 2 * this.#runner(from).deadline([kind]));
  }

  #onLack(from: DeviceAddress, { step, hop }: Extract<PipelineMessage, { kind: 'lack' }>): void {
    const want = this.#work.wants.get(hop);
    if (step !== this.#plan.step || want?.asked !== from) return;
    if (this.#book.accepted(hop)?.device === from) this.handoffs.refuse('absent', from);
    this.#tryAnother(hop, want);
  }

  #answerAskers(hop: number): void {
    const askers = this.#work.askers.get(hop);
    if (askers === undefined || !this.#book.isDone(hop)) return;
    for (const [device, tensors] of askers) {
      if (tensors.some((name) => this.#book.held(name) === undefined)) continue;
      askers.delete(device);
      this.#sendHandoff(device, hop, tensors);
    }
    if (askers.size === 0) this.#work.askers.delete(hop);
    else this.#work.add(hop, this.#now);
  }

  // Computing.

  #startNext(): void {
    const hop = this.#isOver ? undefined : this.#work.start();
    if (hop === undefined) return;
    this.#out.push({ kind: 'compute', step: this.#plan.step, hop, inputs: this.#book.inputs(hop) });
  }

  #onFailed({ step, hop }: Extract<MemberEvent, { kind: 'failed' }>): void {
    if (this.#isOver || step !== this.#plan.step) return;
    this.#work.finish(hop);
    this.#failed.add(hop);
    if (this.#asked.get(hop) === this.#me) this.#assign(hop);
    if (this.#work.wants.has(hop)) this.#askNext(hop);
  }

  #onComputed({ step, hop, outputs }: Extract<MemberEvent, { kind: 'computed' }>): void {
    if (this.#isOver || step !== this.#plan.step) return;
    this.#work.finish(hop);
    this.#work.computed.add(hop);
    const roots = new Map([...outputs].map(([name, { root }]) => [name, root]));
    const handoff = this.#options.sign(this.handoffs.statement(this.#book, step, hop, roots));
    const verdict = this.handoffs.check(handoff, this.#book, this.#plan, true);
    if (verdict.kind === 'new' || verdict.kind === 'duplicate')
      for (const [name, { bytes }] of outputs) if (this.#isWanted(hop, name)) this.#book.hold(name, bytes);
    this.#hasUpdated(this.#me, handoff, this.#plan.graph);
    if (verdict.kind === 'new') this.#accept(handoff);
    // Others compare what every keeper computes, and see what contradicts.
    if (verdict.kind !== 'duplicate' || this.#plan.graph.isForEveryKeeper(hop)) this.#tell(handoff);
    this.#work.wants.delete(hop);
    this.#answerAskers(hop);
    if (verdict.kind === 'new') this.#retryEarly();
  }

  #isWanted(hop: number, tensor: string): boolean {
    const { graph } = this.#plan;
    if ([...(this.#work.askers.get(hop)?.values() ?? [])].some((names) => names.includes(tensor)))
      return true;
    const readers = graph.readersOf(tensor);
    return readers.some(
      (reader) => !this.#book.isDone(reader) || graph.isForEveryKeeper(reader) || this.#work.has(reader),
    );
  }

  /** Sends a handoff of this device to everybody, first to those that go on with its outputs. */
  #tell(handoff: Handoff): void {
    const others = [...this.#plan.members].filter((device) => device !== this.#me);
    const parcels = others.map((device) => ({
      device,
      tensors: this.#neededAt(device, handoff.hop).filter((name) => this.#book.held(name) !== undefined),
    }));
    for (const { device, tensors } of parcels.sort((a, b) => b.tensors.length - a.tensors.length))
      this.#send(device, handoffMessage(handoff, this.#parcel(tensors)));
  }

  /** The outputs of a hop that a device reads: for hops that are its own, and for those of every keeper. */
  #neededAt(device: DeviceAddress, hop: number): string[] {
    const { graph } = this.#plan;
    const reads = (reader: number) => {
      if (graph.isForEveryKeeper(reader) && this.#plan.isKeeper(graph.node(reader).block, device))
        return true;
      return !this.#book.isDone(reader) && (this.#asked.get(reader) ?? this.#responsible(reader)) === device;
    };
    return graph.node(hop).outputs.filter((name) => graph.readersOf(name).some(reads));
  }

  #sendHandoff(to: DeviceAddress, hop: number, tensors: readonly string[]): void {
    const handoff = this.#book.accepted(hop);
    if (handoff !== undefined) this.#send(to, handoffMessage(handoff, this.#parcel(tensors)));
  }

  #parcel(tensors: readonly string[]): { name: string; bytes: Uint8Array }[] {
    return tensors.flatMap((name) => {
      const bytes = this.#book.held(name);
      return bytes === undefined ? [] : [{ name, bytes }];
    });
  }

  #send(to: DeviceAddress, message: PipelineMessage): void {
    if (to !== this.#me) this.#out.push({ kind: 'send', to, message });
  }
}

function setsOf(keepers: Keepers): Map<string, Set<DeviceAddress>> {
  return new Map([...keepers].map(([block, devices]) => [block, new Set(devices)]));
}

/** The blocks of each device. */
function entriesOf(
  keepers: ReadonlyMap<string, Iterable<DeviceAddress>>,
): { device: DeviceAddress; blocks: string[] }[] {
  const blocks = new Map<DeviceAddress, string[]>();
  for (const [block, devices] of keepers)
    for (const device of devices) blocks.set(device, [...(blocks.get(device) ?? []), block]);
  return [...blocks].map(([device, kept]) => ({ device, blocks: kept }));
}

function handoffMessage(
  handoff: Handoff,
  tensors: readonly { name: string; bytes: Uint8Array }[] = [],
): PipelineMessage {
  return { kind: 'handoff', handoff, tensors };
}
