/**
 * One step of training as hops: which tensors each hop reads and gives, and which block it belongs to. The
 * graph says nothing about devices, so that no bit depends on where a hop is computed.
 */
import type { SlotUse } from '../node-queue.ts';

/** What one device computes at once. */
export interface HopGraphNode {
  /** Its place in the step, counted from 0. A hop reads only what earlier ones gave. */
  readonly index: number;
  /** Hops of one kind take about equally long on a device: `forward`, `backward`, `update`, ... */
  readonly kind: string;
  /** The block whose keepers can compute it. */
  readonly block: string;
  readonly microbatch?: number;
  /** Whether it keeps its microbatch at the device until another hop lets go of it. Defaults to `none`. */
  readonly slot?: SlotUse;
  /** Tensors of other hops, or of the step's data. */
  readonly inputs: readonly string[];
  /** Tensors of the block's version that it reads. */
  readonly state: readonly string[];
  /** Tensors that it gives. Names of the block's state are its next version. */
  readonly outputs: readonly string[];
  /**
   * Whether it is the block's update, which every keeper computes for itself. Defaults to whether it gives
   * tensors of the block's state. A block without any has an update, too.
   */
  readonly isUpdate?: boolean;
}

/** Where a tensor is in the program, and how many bytes it has. */
export interface TensorPlace {
  readonly slot: number;
  readonly bytes: number;
}

export interface HopGraphOptions {
  /** In an order in which inputs come before their readers. */
  readonly nodes: readonly HopGraphNode[];
  /** Tensors that hops give, by name. */
  readonly made: ReadonlyMap<string, TensorPlace>;
  /** Tensors of the step's data, by name. Every device computes them for itself. */
  readonly data: ReadonlyMap<string, TensorPlace>;
  /** Tensors of each block's version, by block and name. */
  readonly state: ReadonlyMap<string, ReadonlyMap<string, TensorPlace>>;
}

/** A hop that reads what no earlier hop gives, a tensor given twice, or one without a place. */
export class HopGraphError extends Error {
  constructor(what: string) {
    super(`${what} Make the graph from the step's recipe, and give its hops in the order of the recipe.`);
    this.name = 'HopGraphError';
  }
}

const NO_TENSORS: ReadonlyMap<string, TensorPlace> = new Map();

export class HopGraph {
  readonly nodes: readonly HopGraphNode[];
  readonly data: ReadonlyMap<string, TensorPlace>;
  readonly state: ReadonlyMap<string, ReadonlyMap<string, TensorPlace>>;
  readonly #made: ReadonlyMap<string, TensorPlace>;
  readonly #producers = new Map<string, number>();
  readonly #readers = new Map<string, number[]>();
  readonly #before: readonly (readonly number[])[];
  readonly #after: readonly number[][];

  /** Throws HopGraphError for hops that are not one step. */
  constructor({ nodes, made, data, state }: HopGraphOptions) {
    this.nodes = nodes;
    this.data = data;
    this.state = state;
    this.#made = made;
    this.#after = nodes.map(() => []);
    this.#before = nodes.map((node, index) => this.#add(node, index));
  }

  #add(node: HopGraphNode, index: number): readonly number[] {
    if (node.index !== index) throw new HopGraphError(`Hop ${node.index} is at place ${index}.`);
    const before = new Set<number>();
    for (const name of node.inputs) {
      const producer = this.#producers.get(name);
      if (producer === undefined && !this.data.has(name))
        throw new HopGraphError(`Hop ${index} reads ${name}, which no hop before it gives.`);
      if (producer !== undefined) before.add(producer);
      this.#readers.set(name, [...(this.#readers.get(name) ?? []), index]);
    }
    for (const name of node.state)
      if (!this.stateOf(node.block).has(name))
        throw new HopGraphError(`Hop ${index} reads ${name}, which is not of block ${node.block}.`);
    for (const name of node.outputs) {
      if (this.#producers.has(name) || this.data.has(name))
        throw new HopGraphError(`Hop ${index} gives ${name}, which is there already.`);
      if (!this.#made.has(name)) throw new HopGraphError(`The tensor ${name} of hop ${index} has no place.`);
      this.#producers.set(name, index);
    }
    for (const hop of before) this.#after[hop]?.push(index);
    return [...before];
  }

  /** The hop of that number. Throws HopGraphError when the step has none. */
  node(hop: number): HopGraphNode {
    const node = this.nodes[hop];
    if (node === undefined) throw new HopGraphError(`The step has ${this.nodes.length} hops, none ${hop}.`);
    return node;
  }

  /** The hop that gives a tensor; undefined for one of the step's data. */
  producerOf(tensor: string): number | undefined {
    return this.#producers.get(tensor);
  }

  /** The hops that read a tensor. */
  readersOf(tensor: string): readonly number[] {
    return this.#readers.get(tensor) ?? [];
  }

  /** The hops whose outputs a hop reads. */
  before(hop: number): readonly number[] {
    return this.#before[hop] ?? [];
  }

  /** The hops that read a hop's outputs. */
  after(hop: number): readonly number[] {
    return this.#after[hop] ?? [];
  }

  /** Inputs that other hops give, which travel. The step's data do not. */
  travelling(hop: number): readonly string[] {
    return this.node(hop).inputs.filter((name) => this.#producers.has(name));
  }

  /** The tensors of a block's version. */
  stateOf(block: string): ReadonlyMap<string, TensorPlace> {
    return this.state.get(block) ?? NO_TENSORS;
  }

  /** The place of a tensor of a block's version. Throws HopGraphError for another tensor. */
  statePlace(block: string, tensor: string): TensorPlace {
    const place = this.stateOf(block).get(tensor);
    if (place === undefined) throw new HopGraphError(`Block ${block} has no tensor ${tensor}.`);
    return place;
  }

  /** Whether a hop gives its block's next version, which every keeper computes for itself. */
  isForEveryKeeper(hop: number): boolean {
    const { block, outputs, isUpdate } = this.node(hop);
    return isUpdate ?? outputs.some((name) => this.stateOf(block).has(name));
  }

  /** The place of what a hop gives, or of what it reads of the step's data. */
  placeOf(tensor: string): TensorPlace {
    const place = this.#made.get(tensor) ?? this.data.get(tensor);
    if (place === undefined) throw new HopGraphError(`The step has no tensor ${tensor}.`);
    return place;
  }
}
