/**
 * The tasks of one node. It computes one at a time. A forward pass takes a slot at its start, and the
 * backward pass of the same microbatch gives it back at its end. Among the tasks that may start, the node
 * takes the one that joined first: a forward pass without a slot is overtaken. The rules of `HopEngine` and
 * of a live member.
 */

/** What a task does to the slots of its node: a forward pass takes one, a backward pass gives it back. */
export type SlotUse = 'takes' | 'gives' | 'none';

export interface NodeQueueOptions<T> {
  /** Microbatches that the node can keep between their forward and their backward pass. */
  readonly slots: number;
  readonly slotUse: (task: T) => SlotUse;
}

export class NodeQueue<T> {
  /** In the order in which they joined. */
  readonly #tasks: T[] = [];
  readonly #slotUse: (task: T) => SlotUse;
  #slots: number;
  #task: T | undefined;
  #isBusy = false;

  constructor({ slots, slotUse }: NodeQueueOptions<T>) {
    this.#slots = slots;
    this.#slotUse = slotUse;
  }

  /** How many more microbatches the node could keep. */
  get slots(): number {
    return this.#slots;
  }

  /** Tasks that wait. */
  get size(): number {
    return this.#tasks.length;
  }

  /** What the node computes. */
  get task(): T | undefined {
    return this.#task;
  }

  /** From the start of a task until `release`. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  add(task: T): void {
    this.#tasks.push(task);
  }

  /** Takes waiting tasks out. What the node computes goes on. */
  remove(is: (task: T) => boolean): void {
    for (let at = this.#tasks.length - 1; at >= 0; at--) if (is(this.#tasks[at]!)) this.#tasks.splice(at, 1);
  }

  /** Starts the next task, where the node is not busy and one may start. */
  start(): T | undefined {
    if (this.#isBusy) return undefined;
    const at = this.#tasks.findIndex((task) => this.#slots > 0 || this.#slotUse(task) !== 'takes');
    const task = at === -1 ? undefined : this.#tasks.splice(at, 1)[0];
    if (task === undefined) return undefined;
    if (this.#slotUse(task) === 'takes') this.#slots--;
    this.#isBusy = true;
    this.#task = task;
    return task;
  }

  /** The task is computed; undefined when there is none. The node stays busy until `release`. */
  finish(): T | undefined {
    const task = this.#task;
    if (task !== undefined && this.#slotUse(task) === 'gives') this.#slots++;
    this.#task = undefined;
    return task;
  }

  /** The node can take the next task. */
  release(): void {
    this.#isBusy = false;
  }

  /** Another node computed the backward pass of a microbatch that this one keeps. */
  giveBack(): void {
    this.#slots++;
  }
}
