/**
 * The rules of a pipeline as a state machine: which node computes what next, when a slot is taken and given
 * back, and where a result goes. It has no clock and waits for nothing. A simulator feeds it with simulated
 * events, and a live scheduler with real ones; both do what it says.
 *
 * - A node computes one task at a time.
 * - A forward pass takes a slot of its node at its start; the backward pass of the same microbatch gives it
 *   back at its end. The loss takes none.
 * - Among the tasks that may start, a node takes the one that joined its queue first. A forward pass without
 *   a slot is overtaken.
 * - A microbatch joins its origin's queue when it is ready. One with a predecessor joins it no sooner than
 *   the origin is free again after the predecessor's last backward pass.
 */
import { nodeAt, type Route, stepCount, type TaskKind, taskKind } from './route.ts';

export type PipelineEvent =
  /** The origin has the microbatch's tokens. */
  | { readonly kind: 'ready'; readonly microbatch: number }
  /** The input of a step is at the node that does it. */
  | { readonly kind: 'arrived'; readonly microbatch: number; readonly step: number }
  /** A node has the result of what it computed. */
  | { readonly kind: 'computed'; readonly node: number }
  /** A node that has computed can take the next task. */
  | { readonly kind: 'free'; readonly node: number };

export type PipelineAction =
  | {
      readonly kind: 'compute';
      readonly node: number;
      readonly microbatch: number;
      readonly step: number;
      readonly task: TaskKind;
    }
  /** The result goes to the node that does `step` next. */
  | {
      readonly kind: 'send';
      readonly from: number;
      readonly to: number;
      readonly microbatch: number;
      readonly step: number;
    }
  /** All of the microbatch's passes are done. */
  | { readonly kind: 'returned'; readonly microbatch: number };

export interface HopEngineOptions {
  /** For each node, how many microbatches it can keep between their forward and their backward pass. */
  readonly slots: readonly number[];
  readonly microbatches: readonly {
    readonly route: Route;
    /** The number of the microbatch of the same origin that must be back before this one starts. */
    readonly after?: number;
  }[];
}

/** An event that cannot happen now, or a route over a node twice or over one that is not there. */
export class PipelineRuleError extends Error {
  constructor(what: string) {
    super(
      `${what} Feed each event once, after the action that it answers, and plan routes over different nodes.`,
    );
    this.name = 'PipelineRuleError';
  }
}

interface Task {
  readonly microbatch: number;
  readonly step: number;
}

interface NodeState {
  slots: number;
  /** In the order in which they joined. */
  readonly queue: Task[];
  /** From the start of a task to the node's `free` event. */
  busy: boolean;
  /** From the start of a task to its `computed` event. */
  task: Task | undefined;
  /** Microbatches whose predecessor came back here, until the node is free. */
  followers: number[];
}

/** One step of training over a pipeline. */
export class HopEngine {
  readonly #microbatches: HopEngineOptions['microbatches'];
  readonly #nodes: readonly NodeState[];
  /** The step that a microbatch will do next. */
  readonly #nextStep: number[];
  readonly #isReady: boolean[];
  /** Whether a microbatch still waits for its predecessor. */
  readonly #isHeld: boolean[];
  /** Whether a microbatch is on its way to the node of its next step. */
  readonly #isSent: boolean[];
  readonly #followers: number[][];
  #returned = 0;

  /** Throws PipelineRuleError for a route that visits a node twice or visits none of these nodes. */
  constructor({ slots, microbatches }: HopEngineOptions) {
    this.#microbatches = microbatches;
    this.#nodes = slots.map((count) => ({
      slots: count,
      queue: [],
      busy: false,
      task: undefined,
      followers: [],
    }));
    this.#nextStep = microbatches.map(() => 0);
    this.#isReady = microbatches.map(() => false);
    this.#isHeld = microbatches.map(({ after }) => after !== undefined);
    this.#isSent = microbatches.map(() => false);
    this.#followers = microbatches.map(() => []);
    for (const [number, { route, after }] of microbatches.entries()) {
      if (
        route.length < 2 ||
        new Set(route).size < route.length ||
        route.some((node) => slots[node] === undefined)
      )
        throw new PipelineRuleError(`Microbatch ${number} has the route ${route.join(', ')}.`);
      if (after === undefined) continue;
      if (after === number || microbatches[after]?.route[0] !== route[0])
        throw new PipelineRuleError(`Microbatch ${number} waits for microbatch ${after}.`);
      this.#followers[after]!.push(number);
    }
  }

  /** Microbatches whose passes are all done. */
  get returned(): number {
    return this.#returned;
  }

  get allReturned(): boolean {
    return this.#returned === this.#microbatches.length;
  }

  /** How many more microbatches the node could keep. */
  freeSlots(node: number): number {
    return this.#node(node).slots;
  }

  /** Tasks that wait at the node, those at their origin included. */
  waiting(node: number): number {
    return this.#node(node).queue.length;
  }

  /**
   * Takes one event and says what is to be done. Throws PipelineRuleError for an event that cannot happen
   * now.
   */
  handle(event: PipelineEvent): PipelineAction[] {
    switch (event.kind) {
      case 'ready':
        return this.#onReady(event.microbatch);
      case 'arrived':
        return this.#onArrived(event.microbatch, event.step);
      case 'computed':
        return this.#onComputed(event.node);
      case 'free':
        return this.#onFree(event.node);
    }
  }

  #onReady(microbatch: number): PipelineAction[] {
    const { route } = this.#microbatch(microbatch);
    if (this.#isReady[microbatch])
      throw new PipelineRuleError(`Microbatch ${microbatch} became ready a second time.`);
    this.#isReady[microbatch] = true;
    return this.#isHeld[microbatch] ? [] : this.#join(nodeAt(route, 0), { microbatch, step: 0 });
  }

  #onArrived(microbatch: number, step: number): PipelineAction[] {
    const { route } = this.#microbatch(microbatch);
    if (!this.#isSent[microbatch] || this.#nextStep[microbatch] !== step)
      throw new PipelineRuleError(
        `Microbatch ${microbatch} arrived for step ${step}, to which it was not sent.`,
      );
    this.#isSent[microbatch] = false;
    return this.#join(nodeAt(route, step), { microbatch, step });
  }

  #onComputed(index: number): PipelineAction[] {
    const node = this.#node(index);
    if (node.task === undefined) throw new PipelineRuleError(`Node ${index} has computed nothing.`);
    const { microbatch, step } = node.task;
    const { route } = this.#microbatch(microbatch);
    node.task = undefined;
    if (taskKind(route, step) === 'backward') node.slots++;
    const next = step + 1;
    this.#nextStep[microbatch] = next;
    if (next < stepCount(route)) {
      this.#isSent[microbatch] = true;
      return [{ kind: 'send', from: index, to: nodeAt(route, next), microbatch, step: next }];
    }
    this.#returned++;
    node.followers.push(...this.#followers[microbatch]!);
    return [{ kind: 'returned', microbatch }];
  }

  #onFree(index: number): PipelineAction[] {
    const node = this.#node(index);
    if (!node.busy || node.task !== undefined)
      throw new PipelineRuleError(`Node ${index} was not waiting to be free.`);
    node.busy = false;
    for (const microbatch of node.followers) {
      this.#isHeld[microbatch] = false;
      if (this.#isReady[microbatch]) node.queue.push({ microbatch, step: 0 });
    }
    node.followers = [];
    return this.#startNext(index);
  }

  #join(index: number, task: Task): PipelineAction[] {
    this.#node(index).queue.push(task);
    return this.#startNext(index);
  }

  #startNext(index: number): PipelineAction[] {
    const node = this.#node(index);
    if (node.busy) return [];
    const kindOf = ({ microbatch, step }: Task) => taskKind(this.#microbatch(microbatch).route, step);
    const at = node.queue.findIndex((task) => node.slots > 0 || kindOf(task) !== 'forward');
    const task = at === -1 ? undefined : node.queue.splice(at, 1)[0];
    if (task === undefined) return [];
    const kind = kindOf(task);
    if (kind === 'forward') node.slots--;
    node.busy = true;
    node.task = task;
    return [{ kind: 'compute', node: index, microbatch: task.microbatch, step: task.step, task: kind }];
  }

  #microbatch(number: number): HopEngineOptions['microbatches'][number] {
    const microbatch = this.#microbatches[number];
    if (microbatch === undefined) throw new PipelineRuleError(`There is no microbatch ${number}.`);
    return microbatch;
  }

  #node(index: number): NodeState {
    const node = this.#nodes[index];
    if (node === undefined) throw new PipelineRuleError(`There is no node ${index}.`);
    return node;
  }
}
