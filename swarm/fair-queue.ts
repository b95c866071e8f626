import type { Scheduler } from './scheduler.ts';

export interface FairQueueOptions {
  /** Units of work that begin in a second, however much waits. */
  readonly perSecond: number;
  /** Units that may begin at once after a pause. */
  readonly burst: number;
  readonly scheduler: Scheduler;
  /** 0 to 1. Chooses what leaves a full queue. */
  readonly random: () => number;
}

/** Work that asks for its turn. */
export interface Work {
  /** Groups take turns, and within a group its members do. */
  readonly group: string;
  readonly member: string;
  /** The neighbour that it came through. */
  readonly source: string;
  /** Units. */
  readonly cost: number;
}

interface Waiting extends Work {
  readonly begin: (begins: boolean) => void;
}

/** Milliseconds between two looks at what waits. */
const TICK_MS = 20;
/** Seconds of work that may wait. gossipsub holds a longer check against the neighbour. */
const WAIT_S = 2;

/**
 * Gives turns to work that strangers order, a bounded number of units in a second, so that the event loop
 * has time for the rest. Groups take turns, so one that asks much waits for itself (fair queueing, RFC 970).
 * When two seconds of work wait, a random piece of the source that has most is dropped: neither the first
 * nor the last to come owns the queue.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #groups = new Map<string, Map<string, Waiting[]>>();
  readonly #sources = new Map<string, Waiting[]>();
  #tokens: number;
  #at: number;
  #waiting = 0;
  #cancel: (() => void) | null = null;

  constructor(options: FairQueueOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#at = options.scheduler.now();
  }

  /** True when the work may begin, at once or later. False when it was dropped. */
  turn(work: Work): boolean | Promise<boolean> {
    this.#refill();
    if (this.#waiting === 0 && this.#tokens > 0) {
      this.#tokens -= work.cost;
      return true;
    }
    return new Promise((resolve) => {
      this.#add({ ...work, begin: resolve });
      if (this.#waiting > WAIT_S * this.#options.perSecond) this.#dropOne();
      this.#cancel ??= this.#options.scheduler.after(TICK_MS, () => this.#tick());
    });
  }

  /** Drops everything that waits and came through a source. */
  drop(source: string): void {
    for (const waiting of [...(this.#sources.get(source) ?? [])]) this.#remove(waiting, false);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (const source of [...this.#sources.keys()]) this.drop(source);
  }

  #refill(): void {
    const { scheduler, perSecond, burst } = this.#options;
    const now = scheduler.now();
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * perSecond);
    this.#at = now;
  }

  #tick(): void {
    this.#cancel = null;
    this.#refill();
    while (this.#tokens > 0) {
      const next = this.#next();
      if (next === undefined) return;
      this.#tokens -= next.cost;
      this.#remove(next, true);
    }
    if (this.#waiting > 0) this.#cancel = this.#options.scheduler.after(TICK_MS, () => this.#tick());
  }

  /** The first piece of the member whose turn it is. Its group and its member go to the end of their rows. */
  #next(): Waiting | undefined {
    for (const [group, members] of this.#groups) {
      this.#groups.delete(group);
      this.#groups.set(group, members);
      for (const [member, queue] of members) {
        members.delete(member);
        members.set(member, queue);
        return queue[0];
      }
    }
    return undefined;
  }

  #add(waiting: Waiting): void {
    const members = this.#groups.get(waiting.group) ?? new Map<string, Waiting[]>();
    this.#groups.set(waiting.group, members);
    append(members, waiting.member, waiting);
    append(this.#sources, waiting.source, waiting);
    this.#waiting += waiting.cost;
  }

  #remove(waiting: Waiting, begins: boolean): void {
    const members = this.#groups.get(waiting.group);
    if (members !== undefined) {
      cut(members, waiting.member, waiting);
      if (members.size === 0) this.#groups.delete(waiting.group);
    }
    cut(this.#sources, waiting.source, waiting);
    this.#waiting -= waiting.cost;
    waiting.begin(begins);
  }

  #dropOne(): void {
    let most: readonly Waiting[] = [];
    let mostWork = 0;
    for (const all of this.#sources.values()) {
      const work = all.reduce((sum, { cost }) => sum + cost, 0);
      if (work > mostWork) [most, mostWork] = [all, work];
    }
    const dropped = most[Math.floor(this.#options.random() * most.length)];
    if (dropped !== undefined) this.#remove(dropped, false);
  }
}

function append(lists: Map<string, Waiting[]>, key: string, item: Waiting): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function cut(lists: Map<string, Waiting[]>, key: string, item: Waiting): void {
  const list = lists.get(key);
  if (list === undefined) return;
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  if (list.length === 0) lists.delete(key);
}
