/**
 * Checks of what others say and send about a step. A handoff counts when it is of this run and step, of a
 * hop that is there, by a device that keeps the block, signed by it, with the outputs that the program names,
 * and made from the inputs that are known here. Bytes count when their size and root are the handoff's.
 */
import { type Handoff, type HandoffStatement, slotRootsRoot } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { HopGraph } from './hop-graph.ts';
import type { PipelineMessage } from './messages.ts';
import type { StepBook } from './step-book.ts';
import type { StepPlan } from './step-plan.ts';

/** Why something was refused. In the order in which it is looked for. */
export const REFUSALS = [
  /** Not the canonical encoding of a message, or above a limit. */
  'malformed',
  /** Another run: another program, and with it other paths, or another first checkpoint. */
  'run',
  /** A step that is neither this one nor a neighbour of it. */
  'step',
  /** The step has no such hop. */
  'hop',
  /** The device does not keep the block. */
  'signer',
  /** Another number of outputs, other names or other slots than the program's. */
  'shape',
  /** Another version of the block. */
  'version',
  /** Made from other inputs than those that were handed off. */
  'inputs',
  /** The signature is not the device's. */
  'signature',
  /** Bytes of another size than the tensor's, or of a tensor that is not of the hop. */
  'size',
  /** Bytes with another root than the handoff's. */
  'root',
  /** A device signed that it gave a tensor, and does not have it. */
  'absent',
  /** Paths that the step does not have, or that leave out what may not be left out. */
  'plan',
] as const;

export type Refusal = (typeof REFUSALS)[number];

/** Two signed handoffs of one hop from the same inputs with different outputs. One of them is false. */
export interface Conflict {
  readonly first: Handoff;
  readonly second: Handoff;
}

export type Verdict =
  /** The first of its hop. */
  | { readonly kind: 'new' }
  /** Known already, or another device's with the same outputs. */
  | { readonly kind: 'duplicate' }
  /** It contradicts the one that counts. */
  | { readonly kind: 'conflict' }
  /** Some of the hop's inputs are not known yet. */
  | { readonly kind: 'early' }
  | { readonly kind: 'refused'; readonly why: Refusal };

export interface HandoffRules {
  readonly run: Hex;
  /** Root of a block's version, from the roots of its tensors in the graph's order. */
  readonly versionRoot: (block: string, step: number, roots: ReadonlyMap<string, Hex>) => Hex;
  /** Whether a handoff is signed by its device. */
  readonly isSigned: (handoff: Handoff) => boolean;
  /** Tensor root of bytes. */
  readonly rootOf: (bytes: Uint8Array) => Hex;
}

/** Bounds what a peer can make a member keep. */
const MOST_CONFLICTS = 256;

export class Handoffs {
  readonly #rules: HandoffRules;
  readonly #refused = new Map<Refusal, number>();
  readonly #refusedOf = new Map<DeviceAddress, number>();
  readonly #conflicts: Conflict[] = [];
  readonly #versions = new WeakMap<StepBook, Map<string, Hex>>();
  #duplicates = 0;

  constructor(rules: HandoffRules) {
    this.#rules = rules;
  }

  /** How many messages or tensors were refused, by reason. */
  get refused(): ReadonlyMap<Refusal, number> {
    return this.#refused;
  }

  /** How many a device sent that were refused. */
  refusedOf(device: DeviceAddress): number {
    return this.#refusedOf.get(device) ?? 0;
  }

  /** Handoffs of other devices with the outputs that were known already. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Pairs of handoffs that contradict each other: evidence against one of the two signers. */
  get conflicts(): readonly Conflict[] {
    return this.#conflicts;
  }

  /** Counts a refusal of what `device` sent or said. */
  refuse(why: Refusal, device: DeviceAddress): void {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
    this.#refusedOf.set(device, (this.#refusedOf.get(device) ?? 0) + 1);
  }

  /** What this member says of a hop that it computed. Undefined while inputs of the hop are unknown. */
  statement(book: StepBook, step: number, hop: number, roots: ReadonlyMap<string, Hex>): HandoffStatement {
    const node = book.graph.node(hop);
    return {
      run: this.#rules.run,
      step,
      hop,
      version: this.#version(book, step, node.block),
      inputs: book.inputsOf(hop) ?? slotRootsRoot([]),
      outputs: node.outputs.map((tensor) => ({
        slot: book.graph.placeOf(tensor).slot,
        tensor,
        root: roots.get(tensor) ?? slotRootsRoot([]),
      })),
    };
  }

  #version(book: StepBook, step: number, block: string): Hex {
    const versions = this.#versions.get(book) ?? new Map<string, Hex>();
    this.#versions.set(book, versions);
    const known = versions.get(block);
    if (known !== undefined) return known;
    const roots = new Map(
      [...book.graph.stateOf(block).keys()].map((name) => [name, book.state.get(name) ?? slotRootsRoot([])]),
    );
    const version = this.#rules.versionRoot(block, step, roots);
    versions.set(block, version);
    return version;
  }

  /**
   * What a handoff of the book's step is worth. Counts refusals and duplicates, and keeps conflicts. `isOwn`
   * says that this device signed it just now, and defaults to false.
   */
  check(handoff: Handoff, book: StepBook, plan: StepPlan, isOwn = false): Verdict {
    const why = this.#wrong(handoff, book, plan);
    if (why !== undefined) {
      this.refuse(why, handoff.device);
      return { kind: 'refused', why };
    }
    const inputs = book.inputsOf(handoff.hop);
    if (inputs === undefined) return { kind: 'early' };
    const first = book.accepted(handoff.hop);
    if (inputs !== handoff.inputs) {
      this.refuse('inputs', handoff.device);
      return { kind: 'refused', why: 'inputs' };
    }
    if (first !== undefined && sameOutputs(first, handoff)) {
      if (first.device !== handoff.device) this.#duplicates++;
      return { kind: 'duplicate' };
    }
    if (!isOwn && !this.#rules.isSigned(handoff)) {
      this.refuse('signature', handoff.device);
      return { kind: 'refused', why: 'signature' };
    }
    if (first === undefined) return { kind: 'new' };
    this.#keep({ first, second: handoff });
    return { kind: 'conflict' };
  }

  #wrong(handoff: Handoff, book: StepBook, plan: StepPlan): Refusal | undefined {
    const { run, step, hop, device, outputs, version } = handoff;
    if (run !== this.#rules.run) return 'run';
    if (step !== plan.step) return 'step';
    const node = book.graph.nodes[hop];
    if (node === undefined) return 'hop';
    if (!plan.isSigner(node.block, device)) return 'signer';
    if (!isOfHop(book.graph, hop, outputs)) return 'shape';
    return version === this.#version(book, step, node.block) ? undefined : 'version';
  }

  #keep(conflict: Conflict): void {
    const known = this.#conflicts.some(
      ({ first, second }) =>
        first.step === conflict.first.step &&
        first.hop === conflict.first.hop &&
        second.device === conflict.second.device &&
        sameOutputs(second, conflict.second),
    );
    if (!known && this.#conflicts.length < MOST_CONFLICTS) this.#conflicts.push(conflict);
  }

  /**
   * Whether bytes are the tensor that the handoff speaks of. Counts a refusal against the device that sent
   * them.
   */
  takes(handoff: Handoff, tensor: string, bytes: Uint8Array, book: StepBook, from: DeviceAddress): boolean {
    const said = handoff.outputs.find((output) => output.tensor === tensor);
    if (said === undefined || bytes.length !== book.graph.placeOf(tensor).bytes) {
      this.refuse('size', from);
      return false;
    }
    if (this.#rules.rootOf(bytes) === said.root) return true;
    this.refuse('root', from);
    return false;
  }
}

function isOfHop(graph: HopGraph, hop: number, outputs: Handoff['outputs']): boolean {
  const names = graph.node(hop).outputs;
  return (
    outputs.length === names.length &&
    outputs.every(({ tensor, slot }, index) => tensor === names[index] && slot === graph.placeOf(tensor).slot)
  );
}

/** Whether two handoffs of one hop give the same. */
function sameOutputs(one: Handoff, other: Handoff): boolean {
  return (
    one.outputs.length === other.outputs.length &&
    one.outputs.every(({ root }, index) => root === other.outputs[index]?.root)
  );
}

/** A handoff as a message, with some of its outputs. */
export function handoffMessage(
  handoff: Handoff,
  tensors: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [],
): PipelineMessage {
  return { kind: 'handoff', handoff, tensors };
}
