/**
 * What a member knows of one device: which hops it has to compute, which of them it can start, and until when
 * an answer may be expected. A member has one of these for every other device.
 */
import type { HopGraphNode } from './hop-graph.ts';
import { ResponseTimes } from './response-times.ts';

export interface HopRunnerOptions {
  /** Microbatches that the device keeps between their forward and their backward pass. */
  readonly slots: number;
  /** In milliseconds. */
  readonly roundTrip: () => number;
  /** The deadline while too few of its times are known, in milliseconds. */
  readonly firstDeadline: number;
  /** The least deadline, also for a sign of life, in milliseconds. */
  readonly leastDeadline: number;
}

/** How many deadlines a device may let pass while it sends other messages. */
const MOST_DEADLINES = 8;
/** How long a device may take for a sign of life when it is asked for something, in round trips. */
const PROBE_ROUND_TRIPS = 1.5;

/**
 * Each time that a device is late its deadlines double, and with each hop in time they shrink by a tenth: a
 * busy machine would otherwise take hops over again and again, and be busier with each. As the timeouts of
 * TCP do (RFC 6298), but they shrink slowly, because one hop in time says little of the next.
 */
const MOST_BACKOFF = 32;
const BACKOFF_SHRINK = 0.9;
/** The backoff makes no deadline longer than this, in milliseconds. */
const LONGEST_MS = 20_000;

interface Assigned {
  readonly node: HopGraphNode;
  readonly since: number;
}

export class HopRunner {
  readonly #options: HopRunnerOptions;
  readonly #times = new ResponseTimes();
  readonly #assigned = new Map<number, Assigned>();
  /** Kinds of hops that every keeper computes and this device has not handed off, whoever did, by hop. */
  readonly #owed = new Map<number, string>();
  /** Hops that somebody else was given, or computed first. Their times count when it hands them off, too. */
  readonly #released = new Map<number, Assigned>();
  /** By how much its deadlines are longer than its times say. */
  #backoff = 1;
  /** Microbatches that take a slot, by block and number. */
  readonly #kept = new Set<string>();
  #handedOffAt = Number.NEGATIVE_INFINITY;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** When a message was heard that a device sends only while it works. */
  #workedAt = Number.NEGATIVE_INFINITY;
  /** Since when a device is asked of which nothing was heard yet. */
  #probedAt: number | undefined;

  constructor(options: HopRunnerOptions) {
    this.#options = options;
  }

  /** Hops that the device has to compute. */
  get assigned(): readonly number[] {
    return [...this.#assigned.keys()];
  }

  /** All inputs of the hop are known, and the device is the one to compute it. */
  assign(node: HopGraphNode, now: number): void {
    if (!this.#assigned.has(node.index)) this.#assigned.set(node.index, { node, since: now });
  }

  /** The device computes the hop, too, though another one is the first to be asked. */
  owe({ index, kind }: HopGraphNode): void {
    this.#owed.set(index, kind);
  }

  /** The device was asked for something, and has to answer at once that it is there. */
  probe(now: number): void {
    this.#probedAt ??= now;
  }

  /** Whether nothing was heard of it for longer than an answer takes. */
  isSilent(now: number): boolean {
    return this.#heardAt < now - this.#probeDeadline();
  }

  /** A message of the device. `isWork` tells one that it sends only while it computes or fetches. */
  heard(now: number, isWork: boolean): void {
    this.#heardAt = now;
    if (isWork) this.#workedAt = now;
    this.#probedAt = undefined;
  }

  /** It counts as late: what was asked of it is not waited for any more. */
  giveUp(): void {
    this.#probedAt = undefined;
    this.#backoff = Math.min(MOST_BACKOFF, 2 * this.#backoff);
  }

  /** Somebody else computed the hop, or is asked for it now. */
  release(hop: number): void {
    const assigned = this.#assigned.get(hop);
    if (assigned !== undefined) this.#released.set(hop, assigned);
    this.#assigned.delete(hop);
  }

  /** The device handed the hop off. */
  handedOff(node: HopGraphNode, now: number): void {
    const inTime = this.#assigned.get(node.index);
    if (inTime !== undefined) this.#backoff = Math.max(1, BACKOFF_SHRINK * this.#backoff);
    const assigned = inTime ?? this.#released.get(node.index);
    this.#released.delete(node.index);
    this.#owed.delete(node.index);
    if (assigned !== undefined)
      this.#times.add(node.kind, Math.max(0, now - Math.max(assigned.since, this.#handedOffAt)));
    this.#assigned.delete(node.index);
    this.#handedOffAt = now;
    if (node.slot === 'takes') this.#kept.add(slotKey(node));
  }

  /** The microbatch's backward pass over the block is done, wherever. */
  letGo(node: HopGraphNode): void {
    this.#kept.delete(slotKey(node));
  }

  /** A step ended: nothing is kept or asked for. The times stay. */
  reset(): void {
    this.#assigned.clear();
    this.#released.clear();
    this.#owed.clear();
    this.#kept.clear();
    this.#probedAt = undefined;
  }

  /**
   * When it counts as late; undefined while it can start nothing. Signs of work put this off, though not for
   * ever: it may have to fetch or compute again what others lost. A mere sign of life does not: a device that
   * takes it that another one computes a hop answers every ping.
   */
  get lateAt(): number | undefined {
    const slots = this.#options.slots - this.#kept.size;
    const startable = [...this.#assigned.values()].filter(({ node }) => slots > 0 || node.slot !== 'takes');
    const unanswered =
      this.#probedAt === undefined ? Number.POSITIVE_INFINITY : this.#probedAt + this.#probeDeadline();
    if (startable.length === 0) return this.#probedAt === undefined ? undefined : unanswered;
    const since = Math.max(this.#handedOffAt, Math.min(...startable.map((assigned) => assigned.since)));
    // It may be computing an update, which takes longer than what it is asked for.
    const deadline = this.deadline([...startable.map(({ node }) => node.kind), ...this.#owed.values()]);
    const lateAt = Math.max(
      since + deadline,
      Math.min(this.#workedAt + deadline, since + MOST_DEADLINES * deadline),
    );
    return Math.min(lateAt, unanswered);
  }

  #probeDeadline(): number {
    const { leastDeadline, roundTrip } = this.#options;
    return this.#backedOff(Math.max(leastDeadline, PROBE_ROUND_TRIPS * roundTrip()));
  }

  #backedOff(deadline: number): number {
    return Math.max(deadline, Math.min(LONGEST_MS, this.#backoff * deadline));
  }

  /** The longest deadline of hops of these kinds, in milliseconds. */
  deadline(kinds: readonly string[]): number {
    const { firstDeadline: first, roundTrip, leastDeadline } = this.#options;
    const own = kinds.map((kind) => this.#times.deadline({ kind, roundTrip: roundTrip(), first }));
    return this.#backedOff(Math.max(leastDeadline, ...own));
  }
}

function slotKey({ block, microbatch }: HopGraphNode): string {
  return `${block} ${microbatch ?? ''}`;
}
