/**
 * The timing model with which SkipPipe's authors compared schedules, as a program of its own, so that their
 * figures can be recomputed (gensyn-ai/skippipe at e820bb4, described in words in docs/results/pipeline.md).
 * Plans that devices follow are timed by the event-exact engine instead.
 *
 * Time goes by in whole seconds, and in each second every node looks at its queue up to 15 times, in the
 * order of the nodes. A microbatch whose time lies in an earlier second is never looked at again: it is lost.
 */
import { must } from '../../protocol/must.ts';
import { placeOf, stepCount } from '../route.ts';
import type { Injection, PublishedSetting } from './setting.ts';

const SECONDS = 10_000;
const PASSES = 15;
/** Microbatches that wait at their origin come after all others of the same time. */
const WAITING_SINCE = 10_000;

/** The model lost microbatches, so that its makespan would say nothing. */
export class MicrobatchesLostError extends Error {
  readonly lost: readonly number[];

  constructor(lost: readonly number[], of: number) {
    super(
      `The published timing model lost ${lost.length} of ${of} microbatches (numbers ${lost.join(', ')}). ` +
        'Send them at other times, or use the event-exact engine, which loses none.',
    );
    this.name = 'MicrobatchesLostError';
    this.lost = lost;
  }
}

/** When each microbatch was back, and when the last one was. In seconds. */
export interface PublishedRun {
  readonly makespan: number;
  readonly finishedAt: readonly number[];
}

/** Runs a schedule. Throws MicrobatchesLostError when not all microbatches came back. */
export function runPublishedEngine(
  setting: PublishedSetting,
  injections: readonly Injection[],
): PublishedRun {
  const run = tryPublishedEngine(setting, injections);
  const lost = run.finishedAt.flatMap((at, number) => (at === Number.POSITIVE_INFINITY ? [number] : []));
  if (lost.length > 0) throw new MicrobatchesLostError(lost, injections.length);
  return run;
}

/** The same for a search: a lost microbatch finishes at infinity, and so does the schedule. */
export function tryPublishedEngine(
  setting: PublishedSetting,
  injections: readonly Injection[],
): PublishedRun {
  const run = new PublishedEngine(setting, injections);
  return run.run();
}

/** A microbatch on its way. It is in the queue of one node at a time. */
interface Traveller {
  readonly number: number;
  readonly injection: Injection;
  readonly steps: number;
  step: number;
  node: number;
  time: number;
  since: number;
  isOut: boolean;
}

/** The queues of one run. Written with plain loops: a search runs it a million times. */
class PublishedEngine {
  readonly #setting: PublishedSetting;
  readonly #travellers: readonly Traveller[];
  readonly #queues: Traveller[][];
  readonly #slots: number[];
  readonly #busyUntil: number[];
  readonly #finishedAt: number[];

  constructor(setting: PublishedSetting, injections: readonly Injection[]) {
    this.#setting = setting;
    this.#queues = Array.from({ length: setting.nodes }, () => []);
    this.#slots = new Array<number>(setting.nodes).fill(setting.slots);
    this.#busyUntil = new Array<number>(setting.nodes).fill(0);
    this.#finishedAt = new Array<number>(injections.length).fill(Number.POSITIVE_INFINITY);
    this.#travellers = injections.map((injection, number) => ({
      number,
      injection,
      steps: stepCount(injection.route.length),
      step: 0,
      node: must(injection.route, 0),
      time: injection.at,
      since: WAITING_SINCE,
      isOut: false,
    }));
    for (const traveller of this.#travellers) this.#queues[traveller.node]!.push(traveller);
  }

  run(): PublishedRun {
    const nodes = this.#queues.length;
    for (let second = 0; second < SECONDS; second++) {
      for (let pass = 0; pass < PASSES; pass++) {
        let changed = false;
        for (let node = 0; node < nodes; node++) if (this.#look(node, second)) changed = true;
        // A pass that changes nothing is followed by passes that change nothing.
        if (!changed) break;
      }
      if (!this.#anyAfter(second)) break;
    }
    let makespan = 0;
    for (const at of this.#finishedAt) makespan = Math.max(makespan, at);
    return { makespan, finishedAt: this.#finishedAt };
  }

  #anyAfter(second: number): boolean {
    for (const { step, steps, time } of this.#travellers) if (step < steps && time >= second + 1) return true;
    return false;
  }

  /** One look of a node at its queue. Returns whether anything changed. */
  #look(node: number, second: number): boolean {
    const queue = this.#queues[node]!;
    if (!anyIn(queue, second)) return false;
    sortByTime(queue);
    const { gapAfterSend, gapAfterTask, retry } = this.#setting;
    let changed = false;
    let left = false;
    for (let at = 0; at < queue.length; at++) {
      const item = queue[at]!;
      if (item.node !== node || item.time < second || item.time >= second + 1) continue;
      if (item.time < this.#busyUntil[node]!) {
        item.time = this.#busyUntil[node]!;
        changed = true;
        continue;
      }
      if (item.step < item.injection.route.length && this.#slots[node]! <= 0) {
        item.time += retry;
        changed = true;
        continue;
      }
      const { after } = item.injection;
      if (item.step === 0 && after !== undefined && this.#travellers[after]!.isOut) continue;
      changed = true;
      left = true;
      const starts = item.time;
      const gap = item.since > 1000 ? gapAfterSend : gapAfterTask;
      const busyUntil = this.#perform(item, node) + gap;
      this.#busyUntil[node] = busyUntil;
      for (const other of queue)
        if (other.node === node && starts <= other.time && busyUntil > other.time) other.time = busyUntil;
    }
    if (left) this.#queues[node] = queue.filter((item) => item.node === node);
    return changed;
  }

  /** Does the item's step and sends it on. Returns when the step ends. */
  #perform(item: Traveller, node: number): number {
    const { forward, backward, loss, hop } = this.#setting;
    const { route } = item.injection;
    const length = route.length;
    if (item.step === 0) item.isOut = true;
    if (item.step < length) this.#slots[node]!--;
    else if (item.step > length) this.#slots[node]!++;
    const ends = item.time + (item.step < length ? forward : item.step === length ? loss : backward);
    item.step++;
    if (item.step === item.steps) {
      this.#finishedAt[item.number] = ends;
      item.isOut = false;
      item.node = -1;
    } else {
      item.node = route[placeOf(length, item.step)]!;
      item.time = ends + hop[node]![item.node]!;
      item.since = item.time;
      this.#queues[item.node]!.push(item);
    }
    return ends;
  }
}

function anyIn(queue: readonly Traveller[], second: number): boolean {
  for (const { time } of queue) if (time >= second && time < second + 1) return true;
  return false;
}

/** By time, then by since when; equal ones keep their order. Queues are short and almost in order. */
function sortByTime(queue: Traveller[]): void {
  for (let at = 1; at < queue.length; at++) {
    const item = queue[at]!;
    let to = at;
    while (to > 0 && isAfter(queue[to - 1]!, item)) {
      queue[to] = queue[to - 1]!;
      to--;
    }
    queue[to] = item;
  }
}

function isAfter(a: Traveller, b: Traveller): boolean {
  return a.time > b.time || (a.time === b.time && a.since > b.since);
}
