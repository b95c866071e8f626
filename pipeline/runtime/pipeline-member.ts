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
 * - A block's update waits for devices that fetch the block, and a step's end for the updates of devices that
 *   joined in it, for a bounded part of the time.
 */
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { Arrivals } from './arrivals.ts';
import { BlockHolders } from './block-holders.ts';
import { Handoffs, handoffMessage, type Verdict } from './handoffs.ts';
import { InputRequests } from './input-requests.ts';
import type { MemberAction, MemberEvent, MemberOptions } from './member-events.ts';
import type { PipelineMessage } from './messages.ts';
import { MissedHandoffs, type Shown } from './missed-handoffs.ts';
import { OpenStep } from './open-step.ts';
import { OtherDevices } from './other-devices.ts';
import type { StepBook } from './step-book.ts';
import type { StepPlan } from './step-plan.ts';
import { Takeovers } from './takeovers.ts';

/** Messages of the next step that are kept until this one is done. */
const MOST_FUTURE = 8192;
/** Handoffs that wait for others before them. */
const MOST_EARLY = 8192;
const FIRST_DEADLINE = 10_000;
/** Devices that are asked in one step what they keep. */
const MOST_ASKED = 64;

interface Received {
  readonly from: DeviceAddress;
  readonly message: Extract<PipelineMessage, { kind: 'handoff' }>;
}

export class PipelineMember {
  readonly handoffs: Handoffs;
  readonly #options: MemberOptions;
  readonly #me: DeviceAddress;
  readonly #devices: OtherDevices;
  readonly #holders: BlockHolders;
  readonly #requests: InputRequests;
  readonly #takeovers: Takeovers;
  readonly #arrivals = new Arrivals();
  /** Updates whose inputs are known, and that wait for a device that comes in. */
  readonly #waiting = new Set<number>();
  /** Devices that are more than a step ahead. */
  readonly #ahead = new Set<DeviceAddress>();
  /** Devices that were asked in this step which blocks they keep. */
  readonly #askedForBlocks = new Set<DeviceAddress>();
  #step: OpenStep;
  #previous: OpenStep | undefined;
  #early: Received[] = [];
  #future: Received[] = [];
  readonly #missed = new MissedHandoffs();
  #isOver = false;
  /** Whether a hop is being computed, be it one of the step before that somebody else was faster with. */
  #isComputing = false;
  #now = 0;
  #out: MemberAction[] = [];

  /** Throws NoKeeperError where a block of the first step has no keeper. */
  constructor(options: MemberOptions) {
    this.#options = options;
    this.#me = options.device;
    this.handoffs = new Handoffs(options.rules);
    this.#devices = new OtherDevices({
      slots: this.#slots,
      roundTrip: options.roundTrip,
      firstDeadline: options.firstDeadline ?? FIRST_DEADLINE,
      leastDeadline: options.leastDeadline ?? 0,
    });
    this.#holders = new BlockHolders({ device: options.device, ...options.start });
    const { step, state, left = [], joins = [] } = options.start;
    this.#step = this.#open(step, state);
    // As the others do with its `restart` and `join`: it counts as new, with the blocks that it has now.
    this.#step.plan.leave(this.#me, left);
    this.#step.plan.join(this.#me, joins);
    this.#holders.comeAgain(this.#me, left);
    this.#holders.join(this.#me, joins);
    const shared = {
      device: options.device,
      devices: this.#devices,
      now: () => this.#now,
      send: (to: DeviceAddress, message: PipelineMessage) => this.#send(to, message),
    };
    this.#requests = new InputRequests(this.#step, {
      ...shared,
      handoffs: this.handoffs,
      onBehind: () => this.#out.push({ kind: 'behind', step: this.step + 1 }),
    });
    this.#takeovers = new Takeovers(this.#step, { ...shared, requests: this.#requests });
  }

  /** The step in progress, or the run's end. */
  get step(): number {
    return this.#isOver ? this.#options.end : this.#step.plan.step;
  }

  get plan(): StepPlan {
    return this.#step.plan;
  }

  get book(): StepBook {
    return this.#step.book;
  }

  /** The book of the step before this one. */
  get previousBook(): StepBook | undefined {
    return this.#previous?.book;
  }

  /**
   * Whether this device may take a block in during the step in progress. Once the block's update is done,
   * others forget what it was made from, and the version of the next step is needed.
   */
  canKeep(block: string): boolean {
    const { graph, book } = this.#step;
    return graph.nodes.every(
      (node) => node.block !== block || !graph.isForEveryKeeper(node.index) || !book.isDone(node.index),
    );
  }

  /** Whether a hop of the block could be computed, and nobody has handed it off yet. */
  isAwaited(block: string): boolean {
    const { graph, book } = this.#step;
    return graph.nodes.some(
      (node) => node.block === block && book.isReady(node.index) && !book.isDone(node.index),
    );
  }

  /** Whether a device has said that it fetches the block to come in with it. */
  isExpected(device: DeviceAddress, block: string): boolean {
    return this.#arrivals.isExpected(device, block);
  }

  /** The devices that handed a block's update off in the step before this one, this device included. */
  updatersOf(block: string): ReadonlySet<DeviceAddress> {
    return this.#holders.updaters(this.step - 1).get(block) ?? new Set<DeviceAddress>();
  }

  /** Hops that went to another keeper because the first one was late, as this device saw it. */
  get takeovers(): number {
    return this.#takeovers.count;
  }

  /** Devices that are late. */
  get suspects(): readonly DeviceAddress[] {
    return this.#devices.late;
  }

  /** How long the others wait for a device of which this member knows that it computes such a hop. */
  deadlineOf(device: DeviceAddress, kind: string): number {
    return this.#devices.runner(device).deadline([kind]);
  }

  /** When the next `tick` is due, in the clock's milliseconds. */
  get nextWake(): number | undefined {
    const times = [this.#devices.nextLateAt, this.#missed.nextAt];
    for (const { until } of this.#step.work.wants.values()) times.push(until);
    for (const [, askAt] of this.#step.work.waiting) if (askAt > this.#now) times.push(askAt);
    for (const hop of this.#waiting) times.push(this.#waitsUntil(hop));
    if (!this.#isOver && this.#step.isOverHere()) times.push(this.#arrivals.updatesUntil(this.#now));
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
      case 'keep':
        this.#onKeep(event.blocks);
        break;
      case 'release':
        this.#onRelease(event.blocks);
        break;
      case 'gone':
        // Others may still be connected to it, and have it in their plans. If it stays away, it is late.
        this.#arrivals.remove(event.device);
        if (event.device !== this.#me && !this.#isOver) this.#takeovers.takeFrom(event.device);
        break;
      case 'tick':
        break;
    }
    this.#goOn();
    return this.#out;
  }

  /** The updates of the step before this one, as they were signed. */
  get updatesBefore(): readonly Handoff[] {
    const past = this.#previous;
    return (
      past?.book.handoffs().filter(({ hop }) => past.graph.isForEveryKeeper(hop)) ??
      this.#options.start.updates ??
      []
    );
  }

  /** What a device needs that comes in: the step and who keeps what, then the handoffs so far. */
  welcome(paths: readonly (readonly number[])[]): PipelineMessage[] {
    const updates = [...this.updatesBefore];
    const { step, placed } = this.#step.plan;
    const keepers = entriesOf(placed);
    const next = entriesOf(this.#holders.updaters(step - 1));
    return [
      { kind: 'welcome', step: this.step, paths, keepers, next, updates },
      ...this.#step.book.handoffs().map((handoff) => handoffMessage(handoff)),
    ];
  }

  // A step from its beginning to its end.

  get #slots(): number {
    return this.#options.slots ?? Number.POSITIVE_INFINITY;
  }

  #open(step: number, state: ReadonlyMap<string, Hex>): OpenStep {
    const { graphOf, dataOf, roundTrip } = this.#options;
    return new OpenStep({
      device: this.#me,
      plan: this.#holders.plan(step, graphOf(step), this.#devices.isLate),
      devices: this.#devices,
      data: dataOf(step),
      state,
      slots: this.#slots,
      roundTrip,
    });
  }

  #begin(): void {
    for (const hop of this.#step.book.firstHops()) if (!this.#step.book.isDone(hop)) this.#assign(hop);
  }

  #goOn(): void {
    for (let next = true; next; ) {
      this.#checkWaiting();
      this.#checkDeadlines();
      this.#requests.checkTimes();
      this.#requests.fetchInputs();
      this.#startNext();
      next = !this.#isOver && this.#step.isOverHere() && !this.#waitsForUpdates();
      if (next) this.#nextStep();
    }
  }

  /** The step is over here. Whoever joined in it may still need what its updates are made from. */
  #waitsForUpdates(): boolean {
    const waits = this.#arrivals.updatesUntil(this.#now) !== undefined;
    this.#arrivals.setWaiting(waits, this.#now);
    return waits;
  }

  #nextStep(): void {
    const step = this.#step.plan.step + 1;
    const state = this.#step.book.stateAfter();
    this.#out.push({ kind: 'finished', step: this.#step.plan.step, state });
    this.#previous = this.#step;
    this.#holders.begin(step, this.#devices.isLate);
    this.#ahead.clear();
    this.#askedForBlocks.clear();
    this.#early = [];
    this.#waiting.clear();
    this.#arrivals.setWaiting(false, this.#now);
    this.#arrivals.nextStep();
    this.#missed.clear();
    this.#devices.reset();
    if (step >= this.#options.end) {
      this.#isOver = true;
      this.#requests.begin(undefined);
      return;
    }
    this.#step = this.#open(step, state);
    this.#requests.begin(this.#step);
    this.#takeovers.begin(this.#step);
    this.#begin();
    const waiting = this.#future;
    this.#future = [];
    for (const received of waiting) this.#onHandoff(received);
  }

  // Who computes a hop, and when.

  /** A hop's inputs are known. Nobody is late with an update while it waits for a device that comes in. */
  #assign(hop: number): void {
    if (this.#waitsUntil(hop) === undefined) {
      this.#takeovers.assign(hop);
      return;
    }
    this.#waiting.add(hop);
    this.#arrivals.setWaiting(true, this.#now);
  }

  #waitsUntil(hop: number): number | undefined {
    const { graph, book } = this.#step;
    if (!graph.isForEveryKeeper(hop) || book.isDone(hop)) return undefined;
    return this.#arrivals.waitUntil(graph.node(hop).block, this.#now);
  }

  /** Updates that nobody is waited for any more are computed, also where another keeper was faster. */
  #checkWaiting(): void {
    if (this.#waiting.size === 0) return;
    for (const hop of this.#waiting) {
      if (this.#waitsUntil(hop) !== undefined) continue;
      this.#waiting.delete(hop);
      if (!this.#step.book.isDone(hop)) this.#takeovers.assign(hop);
      else if (this.#step.isMine(hop)) this.#step.work.add(hop, this.#now + this.#step.grace(hop));
    }
    this.#arrivals.setWaiting(this.#waiting.size > 0, this.#now);
  }

  // Devices that are late.

  #checkDeadlines(): void {
    if (!this.#isOver)
      for (const device of this.#devices.overdue(this.#now)) this.#takeovers.takeFrom(device);
    for (const { device, hop } of this.#missed.due(this.#now, this.#step.book))
      this.#requests.ask(device, hop);
  }

  /** A sign of life. */
  #heard(device: DeviceAddress): void {
    if (this.#devices.setPrompt(device)) this.#step.plan.join(device, this.#holders.blocksOf(device));
  }

  // Messages.

  #onMessage(from: DeviceAddress, message: PipelineMessage): void {
    this.#devices.runner(from).heard(this.#now, stepOfWork(message) === this.#step.plan.step);
    switch (message.kind) {
      case 'handoff':
        this.#onHandoff({ from, message });
        return;
      case 'want':
        this.#requests.onWant(from, message);
        return;
      case 'lack':
        this.#requests.onLack(from, message);
        return;
      case 'arriving':
        if (from !== this.#me && this.#step.graph.state.has(message.block))
          this.#arrivals.expect(from, message.block, this.#now);
        return;
      case 'join':
        this.#onJoin(from, message);
        return;
      case 'leave':
        this.#holders.leave(from, message.blocks, message.step);
        return;
      case 'restart':
        this.#onRestart(from, message.blocks);
        return;
      case 'ping':
        this.#send(from, { kind: 'pong', step: this.#step.plan.step });
        return;
      case 'busy':
        this.#requests.onBusy(from, message);
        return;
      case 'pong':
        if (message.step > this.#step.plan.step + 1) this.#isBehind(from, message.step);
        return;
      case 'hello':
      case 'fetch':
      case 'version':
      case 'welcome':
        return;
    }
  }

  #onHandoff(received: Received): void {
    const { from, message } = received;
    const { handoff } = message;
    if (this.#isOver || handoff.step < this.#step.plan.step) {
      this.#onPast(received);
      return;
    }
    if (handoff.step > this.#step.plan.step) {
      this.#onFuture(received);
      return;
    }
    const verdict = this.handoffs.check(handoff, this.#step.book, this.#step.plan);
    if (verdict.kind === 'early' && this.#early.length < MOST_EARLY) {
      this.#early.push(received);
      this.#notesMissed(handoff.hop, from);
    }
    if (verdict.kind === 'refused' && verdict.why === 'signer') this.#askForBlocks(handoff.device);
    if (verdict.kind === 'refused' || verdict.kind === 'early') return;
    if (from === handoff.device) {
      this.#heard(from);
      this.#devices.runner(from).handedOff(this.#step.graph.node(handoff.hop), this.#now);
      if (verdict.kind !== 'conflict') this.#holders.handedOff(from, handoff, this.#step.graph);
      const { index, block } = this.#step.graph.node(handoff.hop);
      if (this.#step.graph.isForEveryKeeper(index)) this.#arrivals.updated(from, block);
    }
    if (verdict.kind === 'conflict') return;
    if (verdict.kind === 'new') this.#accept(handoff);
    this.#take(received);
    this.#requests.answer(handoff.hop);
    if (verdict.kind === 'new') this.#retryEarly();
  }

  /**
   * Asks a device whose handoff was refused which blocks it keeps. Others may know that it keeps this one.
   * They count its handoffs then. Its welcome says so. Each device is asked once a step.
   */
  #askForBlocks(device: DeviceAddress): void {
    if (device === this.#me || this.#askedForBlocks.has(device)) return;
    if (this.#askedForBlocks.size >= MOST_ASKED) return;
    this.#askedForBlocks.add(device);
    this.#send(device, { kind: 'hello' });
  }

  #onPast({ from, message: { handoff } }: Received): void {
    const past = this.#previous;
    if (past?.plan.step !== handoff.step) return;
    const verdict: Verdict = this.handoffs.check(handoff, past.book, past.plan);
    if (verdict.kind !== 'duplicate' || from !== handoff.device || this.#isOver) return;
    this.#holders.handedOff(from, handoff, past.graph);
    this.#heard(from);
  }

  #onFuture(received: Received): void {
    const { from, message } = received;
    if (message.handoff.step > this.#step.plan.step + 1) {
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
    this.#notesMissed('step', from);
  }

  /** A message of the device shows that hops before this one, or all of the step, are done. */
  #notesMissed(shown: Shown, device: DeviceAddress): void {
    this.#missed.show(shown, { device, at: this.#now + this.#options.roundTrip(device) });
  }

  /** Two others say that they are more than a step ahead. One alone may lie. */
  #isBehind(from: DeviceAddress, step: number): void {
    this.#ahead.add(from);
    const others = this.#step.plan.members.size - (this.#step.plan.members.has(this.#me) ? 1 : 0);
    if (!this.#isOver && this.#ahead.size >= Math.min(2, others)) this.#out.push({ kind: 'behind', step });
  }

  #retryEarly(): void {
    const early = this.#early;
    this.#early = [];
    for (const received of early) this.#onHandoff(received);
  }

  #accept(handoff: Handoff): void {
    const { hop, device } = handoff;
    const { graph } = this.#step;
    const node = graph.node(hop);
    const ready = this.#step.book.accept(handoff);
    for (const name of node.outputs) this.#step.copies.set(name, this.#step.receiversOf(name).add(device));
    const asked = this.#step.asked.get(hop);
    if (asked !== undefined) this.#devices.runner(asked).release(hop);
    this.#step.asked.delete(hop);
    if (node.slot === 'gives') {
      this.#devices.letGo(node);
      if (device !== this.#me) this.#step.work.letGo(hop);
    }
    if (!graph.isForEveryKeeper(hop) && !this.#step.work.askers.has(hop)) this.#step.work.remove(hop);
    for (const next of ready) if (!this.#step.book.isDone(next)) this.#assign(next);
    for (const name of node.inputs) this.#step.dropConfirmed(name);
    for (const before of graph.before(hop))
      for (const name of graph.node(before).inputs) this.#step.dropConfirmed(name);
  }

  /** Keeps the tensors of a message that hops here still need, where they are what the handoff says. */
  #take({ from, message }: Received): void {
    const accepted = this.#step.book.accepted(message.handoff.hop);
    if (accepted === undefined) return;
    for (const { name, bytes } of message.tensors) {
      if (this.#step.book.held(name) !== undefined) continue;
      if (!this.handoffs.takes(accepted, name, bytes, this.#step.book, from)) continue;
      this.#step.book.hold(name, bytes);
      this.#step.dropConfirmed(name);
    }
    const want = this.#step.work.wants.get(message.handoff.hop);
    if (want !== undefined && [...want.tensors].every((name) => this.#step.book.held(name) !== undefined))
      this.#step.work.wants.delete(message.handoff.hop);
  }

  #onJoin(from: DeviceAddress, { step, blocks }: Extract<PipelineMessage, { kind: 'join' }>): void {
    if (from === this.#me) return;
    this.#holders.join(from, blocks);
    this.#arrivals.arrived(from, blocks, { isAhead: step > this.#step.plan.step });
    this.#devices.setPrompt(from);
    if (this.#isOver) return;
    this.#step.plan.join(from, blocks);
    for (const handoff of this.#step.book.handoffs())
      if (handoff.device === this.#me || this.#devices.isLate(handoff.device))
        this.#send(from, handoffMessage(handoff));
  }

  /** A device has come in again. It does nothing of what it was placed for, and counts as a new one. */
  #onRestart(from: DeviceAddress, blocks: readonly string[]): void {
    if (from === this.#me) return;
    if (!this.#isOver) this.#takeovers.passOn(from, blocks);
    this.#holders.comeAgain(from, blocks);
    this.#arrivals.remove(from);
  }

  /**
   * As a device that joins, this one is asked last in this step. The updates of its blocks are its own too.
   */
  #onKeep(wanted: readonly string[]): void {
    const blocks = wanted.filter((block) => this.canKeep(block));
    if (this.#isOver || blocks.length === 0) return;
    const { plan, graph, asked, work } = this.#step;
    this.#holders.join(this.#me, blocks);
    plan.join(this.#me, blocks);
    for (const { index, block } of graph.nodes) {
      if (!blocks.includes(block) || !graph.isForEveryKeeper(index)) continue;
      if (asked.has(index)) work.add(index, this.#now + this.#step.grace(index));
    }
    for (const device of plan.members)
      if (device !== this.#me) this.#send(device, { kind: 'join', step: plan.step, blocks: [...blocks] });
  }

  /** Others keep these blocks. This device computes them to the end of the step. */
  #onRelease(blocks: readonly string[]): void {
    if (this.#isOver) return;
    const { plan } = this.#step;
    this.#holders.leave(this.#me, blocks, plan.step);
    for (const device of plan.members)
      if (device !== this.#me) this.#send(device, { kind: 'leave', step: plan.step, blocks: [...blocks] });
  }

  // Computing.

  #startNext(): void {
    if (this.#isOver || this.#isComputing) return;
    const hop = this.#step.work.start();
    if (hop === undefined) return;
    this.#isComputing = true;
    this.#out.push({ kind: 'compute', step: this.#step.plan.step, hop, inputs: this.#step.book.inputs(hop) });
  }

  #onFailed({ step, hop }: Extract<MemberEvent, { kind: 'failed' }>): void {
    this.#isComputing = false;
    if (this.#isOver || step !== this.#step.plan.step) return;
    this.#step.work.finish(hop);
    this.#step.failed.add(hop);
    if (this.#step.asked.get(hop) === this.#me) this.#takeovers.assign(hop);
    if (this.#step.work.wants.has(hop)) this.#requests.askNext(hop);
  }

  #onComputed({ step, hop, outputs }: Extract<MemberEvent, { kind: 'computed' }>): void {
    this.#isComputing = false;
    if (this.#isOver || step !== this.#step.plan.step) return;
    this.#step.work.finish(hop);
    this.#step.work.computed.add(hop);
    const roots = new Map([...outputs].map(([name, { root }]) => [name, root]));
    const handoff = this.#options.sign(this.handoffs.statement(this.#step.book, step, hop, roots));
    const verdict = this.handoffs.check(handoff, this.#step.book, this.#step.plan, true);
    if (verdict.kind === 'new' || verdict.kind === 'duplicate')
      for (const [name, { bytes }] of outputs)
        if (this.#step.isWanted(hop, name)) this.#step.book.hold(name, bytes);
    this.#holders.handedOff(this.#me, handoff, this.#step.graph);
    if (verdict.kind === 'new') this.#accept(handoff);
    // Others compare what every keeper computes, and see what contradicts.
    if (verdict.kind !== 'duplicate' || this.#step.graph.isForEveryKeeper(hop)) this.#tell(handoff);
    this.#step.work.wants.delete(hop);
    this.#requests.answer(hop);
    if (verdict.kind === 'new') this.#retryEarly();
  }

  /** Sends a handoff of this device to everybody, first to those that go on with its outputs. */
  #tell(handoff: Handoff): void {
    const others = [...this.#step.plan.members].filter((device) => device !== this.#me);
    const parcels = others.map((device) => ({
      device,
      tensors: this.#step
        .neededAt(device, handoff.hop)
        .filter((name) => this.#step.book.held(name) !== undefined),
    }));
    for (const { device, tensors } of parcels.sort((a, b) => b.tensors.length - a.tensors.length))
      this.#send(device, handoffMessage(handoff, this.#step.parcel(tensors)));
  }

  #send(to: DeviceAddress, message: PipelineMessage): void {
    if (to !== this.#me) this.#out.push({ kind: 'send', to, message });
  }
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

/** The step that a device computes or fetches for, where it says so. */
function stepOfWork(message: PipelineMessage): number | undefined {
  switch (message.kind) {
    case 'handoff':
      return message.handoff.step;
    case 'want':
    case 'busy':
    case 'lack':
      return message.step;
    default:
      return undefined;
  }
}
