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
 * - A route may be a plan, or only its beginning: then a router names each further node when the forward pass
 *   before it is done.
 * - A microbatch joins its origin's queue when it is ready. One with a predecessor joins it no sooner than
 *   the origin is free again after the predecessor's last backward pass.
 */
import { must } from '../protocol/must.ts';
import { NodeQueue, type SlotUse } from './node-queue.ts';
import { placeOf, type Route, stepCount, type TaskKind, taskKind } from './route.ts';

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

/** A microbatch as it is planned. Its place in a list is its number. */
export interface PlannedMicrobatch {
  readonly route: Route;
  /** Nodes that it visits. Defaults to the nodes of the route; for more of them a router is asked. */
  readonly length?: number;
  /** The number of the microbatch of the same origin that must be back before this one starts. */
  readonly after?: number;
}

/** Names the node of the next forward pass. It must not be on the route already. */
export type Router = (route: Route, length: number, engine: HopEngine) => number;

export interface HopEngineOptions {
  /** For each node, how many microbatches it can keep between their forward and their backward pass. */
  readonly slots: readonly number[];
  readonly microbatches: readonly PlannedMicrobatch[];
  /** Needed for routes that are longer than planned. */
  readonly router?: Router;
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
  load: number;
  readonly queue: NodeQueue<Task>;
  /** Microbatches whose predecessor came back here, until the node is free. */
  followers: number[];
}

interface Microbatch {
  readonly route: number[];
  readonly length: number;
  /** Microbatches that wait for this one. */
  readonly followers: number[];
  /** The step that it will do next. */
  next: number;
  isReady: boolean;
  /** Whether it still waits for its predecessor. */
  isHeld: boolean;
  /** Whether it is on its way to the node of its next step. */
  isSent: boolean;
}

const SLOT_USE = { forward: 'takes', loss: 'none', backward: 'gives' } as const satisfies Record<
  TaskKind,
  SlotUse
>;

/** One step of training over a pipeline. */
export class HopEngine {
  readonly #microbatches: readonly Microbatch[];
  readonly #nodes: readonly NodeState[];
  readonly #router: Router | undefined;
  #returned = 0;

  /** Throws PipelineRuleError for a route that visits a node twice or visits none of these nodes. */
  constructor({ slots, microbatches, router }: HopEngineOptions) {
    this.#router = router;
    const slotUse = ({ microbatch, step }: Task) =>
      SLOT_USE[taskKind(this.#microbatch(microbatch).length, step)];
    this.#nodes = slots.map((count) => ({
      load: 0,
      queue: new NodeQueue({ slots: count, slotUse }),
      followers: [],
    }));
    this.#microbatches = microbatches.map(({ route, length = route.length, after }) => ({
      route: [...route],
      length,
      followers: [],
      next: 0,
      isReady: false,
      isHeld: after !== undefined,
      isSent: false,
    }));
    for (const [number, { route, length = route.length, after }] of microbatches.entries()) {
      if (
        length < 2 ||
        route.length < 1 ||
        route.length > length ||
        (router === undefined && route.length < length) ||
        new Set(route).size < route.length ||
        route.some((node) => slots[node] === undefined)
      )
        throw new PipelineRuleError(
          `Microbatch ${number} has the route ${route.join(', ')} of ${length} nodes.`,
        );
      if (after === undefined) continue;
      const before = microbatches[after];
      if (after === number || before === undefined || before.route[0] !== route[0])
        throw new PipelineRuleError(`Microbatch ${number} waits for microbatch ${after}.`);
      must(this.#microbatches, after).followers.push(number);
    }
  }

  /** Microbatches whose passes are all done. */
  get returned(): number {
    return this.#returned;
  }

  get allReturned(): boolean {
    return this.#returned === this.#microbatches.length;
  }

  /** The nodes of a microbatch's route as far as they are known. */
  routeOf(microbatch: number): Route {
    return this.#microbatch(microbatch).route;
  }

  /** How many more microbatches the node could keep. */
  freeSlots(node: number): number {
    return this.#node(node).queue.slots;
  }

  /** Microbatches that the router sent over the node and whose backward pass there is not done. */
  load(node: number): number {
    return this.#node(node).load;
  }

  /** Tasks that wait at the node, those at their origin included. */
  waiting(node: number): number {
    return this.#node(node).queue.size;
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

  #onReady(number: number): PipelineAction[] {
    const microbatch = this.#microbatch(number);
    if (microbatch.isReady) throw new PipelineRuleError(`Microbatch ${number} became ready a second time.`);
    microbatch.isReady = true;
    return microbatch.isHeld ? [] : this.#join(must(microbatch.route, 0), { microbatch: number, step: 0 });
  }

  #onArrived(number: number, step: number): PipelineAction[] {
    const microbatch = this.#microbatch(number);
    if (!microbatch.isSent || microbatch.next !== step)
      throw new PipelineRuleError(`Microbatch ${number} arrived for step ${step}, to which it was not sent.`);
    microbatch.isSent = false;
    return this.#join(nodeOf(microbatch, step), { microbatch: number, step });
  }

  #onComputed(index: number): PipelineAction[] {
    const node = this.#node(index);
    const task = node.queue.finish();
    if (task === undefined) throw new PipelineRuleError(`Node ${index} has computed nothing.`);
    const number = task.microbatch;
    const microbatch = this.#microbatch(number);
    if (taskKind(microbatch.length, task.step) === 'backward' && node.load > 0) node.load--;
    const step = task.step + 1;
    microbatch.next = step;
    if (step === stepCount(microbatch.length)) {
      this.#returned++;
      node.followers.push(...microbatch.followers);
      return [{ kind: 'returned', microbatch: number }];
    }
    if (step < microbatch.length && step === microbatch.route.length) this.#extend(number, microbatch);
    microbatch.isSent = true;
    return [{ kind: 'send', from: index, to: nodeOf(microbatch, step), microbatch: number, step }];
  }

  #extend(number: number, { route, length }: Microbatch): void {
    const node = this.#router?.(route, length, this);
    if (node === undefined || route.includes(node) || this.#nodes[node] === undefined)
      throw new PipelineRuleError(
        `The router sends microbatch ${number} from ${route.join(', ')} to ${node}.`,
      );
    route.push(node);
    this.#node(node).load++;
  }

  #onFree(index: number): PipelineAction[] {
    const node = this.#node(index);
    if (!node.queue.isBusy || node.queue.task !== undefined)
      throw new PipelineRuleError(`Node ${index} was not waiting to be free.`);
    node.queue.release();
    for (const number of node.followers) {
      const microbatch = this.#microbatch(number);
      microbatch.isHeld = false;
      if (microbatch.isReady) node.queue.add({ microbatch: number, step: 0 });
    }
    node.followers = [];
    return this.#startNext(index);
  }

  #join(index: number, task: Task): PipelineAction[] {
    this.#node(index).queue.add(task);
    return this.#startNext(index);
  }

  #startNext(index: number): PipelineAction[] {
    const task = this.#node(index).queue.start();
    if (task === undefined) return [];
    const { microbatch, step } = task;
    const kind = taskKind(this.#microbatch(microbatch).length, step);
    return [{ kind: 'compute', node: index, microbatch, step, task: kind }];
  }

  #microbatch(number: number): Microbatch {
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

function nodeOf({ route, length }: Microbatch, step: number): number {
  return must(route, placeOf(length, step));
}
