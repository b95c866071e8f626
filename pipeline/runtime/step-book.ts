/** What is done and what is held of one step: accepted handoffs, tensor roots, and bytes for hops to come. */
import { type Handoff, slotRootsRoot } from '../../protocol/handoff.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { HopGraph } from './hop-graph.ts';

export interface StepBookOptions {
  readonly graph: HopGraph;
  /** Roots of the step's data, by tensor. */
  readonly data: ReadonlyMap<string, Hex>;
  /** Roots of the blocks' tensors before the step, by tensor. */
  readonly state: ReadonlyMap<string, Hex>;
}

export class StepBook {
  readonly graph: HopGraph;
  /** Roots of the blocks' tensors before the step, by tensor. */
  readonly state: ReadonlyMap<string, Hex>;
  readonly #data: ReadonlyMap<string, Hex>;
  readonly #accepted = new Map<number, Handoff>();
  readonly #roots = new Map<string, Hex>();
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #inputs = new Map<number, Hex>();
  /** For each hop, how many hops before it are not done. */
  readonly #waitsFor: number[];

  constructor({ graph, data, state }: StepBookOptions) {
    this.graph = graph;
    this.state = state;
    this.#data = data;
    this.#waitsFor = graph.nodes.map(({ index }) => graph.before(index).length);
  }

  /** Notes a checked handoff. Returns the hops whose inputs are known now. */
  accept(handoff: Handoff): number[] {
    if (this.isDone(handoff.hop)) return [];
    this.#accepted.set(handoff.hop, handoff);
    for (const { tensor, root } of handoff.outputs) this.#roots.set(tensor, root);
    return this.graph.after(handoff.hop).filter((hop) => {
      const left = (this.#waitsFor[hop] ?? 0) - 1;
      this.#waitsFor[hop] = left;
      return left === 0;
    });
  }

  accepted(hop: number): Handoff | undefined {
    return this.#accepted.get(hop);
  }

  /** Every handoff that counts, in the order in which they were accepted. */
  handoffs(): readonly Handoff[] {
    return [...this.#accepted.values()];
  }

  isDone(hop: number): boolean {
    return this.#accepted.has(hop);
  }

  /** Whether every hop is done. */
  get isComplete(): boolean {
    return this.#accepted.size === this.graph.nodes.length;
  }

  /** Whether all hops before this one are done. */
  isReady(hop: number): boolean {
    return this.#waitsFor[hop] === 0;
  }

  /** Hops that read nothing of others. */
  firstHops(): number[] {
    return this.graph.nodes.filter(({ index }) => this.isReady(index)).map(({ index }) => index);
  }

  /** The root of a hop's output, where its handoff is known. */
  rootOf(tensor: string): Hex | undefined {
    return this.#roots.get(tensor);
  }

  /** The root over what a hop reads; undefined while some of it is unknown. */
  inputsOf(hop: number): Hex | undefined {
    const known = this.#inputs.get(hop) ?? this.#inputRoot(hop);
    if (known !== undefined) this.#inputs.set(hop, known);
    return known;
  }

  #inputRoot(hop: number): Hex | undefined {
    const node = this.graph.node(hop);
    const read = [
      ...node.inputs.map((name) => ({
        slot: this.graph.placeOf(name).slot,
        root: this.#roots.get(name) ?? this.#data.get(name),
      })),
      ...node.state.map((name) => ({
        slot: this.graph.statePlace(node.block, name).slot,
        root: this.state.get(name),
      })),
    ];
    const known = read.flatMap(({ slot, root }) => (root === undefined ? [] : [{ slot, root }]));
    return known.length === read.length ? slotRootsRoot(known) : undefined;
  }

  hold(tensor: string, bytes: Uint8Array): void {
    this.#bytes.set(tensor, bytes);
  }

  held(tensor: string): Uint8Array | undefined {
    return this.#bytes.get(tensor);
  }

  drop(tensor: string): void {
    this.#bytes.delete(tensor);
  }

  /** Bytes of all tensors that are held. */
  get heldBytes(): number {
    let bytes = 0;
    for (const { length } of this.#bytes.values()) bytes += length;
    return bytes;
  }

  /** What a hop reads of other hops and is not held here. */
  missing(hop: number): string[] {
    return this.graph.travelling(hop).filter((name) => !this.#bytes.has(name));
  }

  /** What a hop reads of other hops. All of it has to be held. */
  inputs(hop: number): ReadonlyMap<string, Uint8Array> {
    return new Map(
      this.graph.travelling(hop).flatMap((name) => {
        const bytes = this.#bytes.get(name);
        return bytes === undefined ? [] : [[name, bytes] as const];
      }),
    );
  }

  /** Roots of the blocks' tensors after the step. Those that no hop changes stay as they are. */
  stateAfter(): ReadonlyMap<string, Hex> {
    return new Map([...this.state].map(([name, root]) => [name, this.#roots.get(name) ?? root]));
  }
}
