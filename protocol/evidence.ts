/**
 * What a player of a dispute asks of whoever computed: everything it may have to show the contract, or
 * compare with what the other side showed. docs/verde.md has the game; contracts/src/disputes/IDisputes.sol
 * the same types on the chain.
 */
import type { Hex } from 'viem';

/** What a claim is about; a claim on the chain holds the hash of these. */
export interface Terms {
  /** Merkle root of the program's slots, each `abi.encode(Slot)`. */
  readonly program: Hex;
  /** Merkle root of what every step is given: `dataSlots` roots for step 0, then for step 1, ... */
  readonly data: Hex;
  /** Checkpoint root before the first step. */
  readonly initial: Hex;
  readonly steps: number;
  readonly slots: number;
  readonly dataSlots: number;
}

/** Values as in `IDisputes.Kind`. */
export const SLOT_KIND = { state: 0, data: 1, fixed: 2, output: 3, compose: 4 } as const;

export type SlotKind = (typeof SLOT_KIND)[keyof typeof SLOT_KIND];

/** One operator application, as `Node` in contracts/src/judge/Operands.sol. */
export interface SlotNode {
  readonly op: number;
  readonly output: number;
  readonly length: number;
  readonly attributes: readonly number[];
  readonly lengths: readonly number[];
}

/** One entry of a step's trace, as `IDisputes.Slot`. */
export interface Slot {
  readonly kind: SlotKind;
  readonly place: number;
  readonly count: number;
  readonly name: Hex;
  readonly node: SlotNode;
  readonly inputs: readonly number[];
  readonly names: readonly Hex[];
}

/** How a question about evidence may be cut short. */
export interface EvidenceOptions {
  readonly signal?: AbortSignal;
}

/** One party's whole computation of what a claim is about. All numbers are 0-based. */
export interface Evidence {
  readonly terms: Terms;
  readonly program: readonly Slot[];
  /** For people: what each slot is, e.g. "layers.0.mlp.gate". Same order as `program`. */
  readonly slotNames: readonly string[];
  /** Roots of the data of all steps: `terms.steps * terms.dataSlots`. */
  readonly dataRoots: readonly Hex[];
  /** Checkpoint root after each step: `terms.steps` of them. */
  stepRoots(options?: EvidenceOptions): Promise<readonly Hex[]>;
  /** One step in full, replayed from the last checkpoint kept before it. */
  trace(step: number, options?: EvidenceOptions): Promise<StepTrace>;
}

/** A leaf of one input that the judge reads. */
export interface NeededLeaf {
  /** Position in the slot's `inputs`. */
  readonly input: number;
  readonly leaf: number;
}

/** One step of a run, tensor by tensor, in the order of the program. */
export interface StepTrace {
  /** Checkpoint roots before and after the step. */
  readonly before: Hex;
  readonly after: Hex;
  /** Leaf hashes of the checkpoint before the step, in its tree's order. */
  readonly checkpointLeaves: readonly Hex[];
  /** For each slot the root of its tensor; the last is `after`. */
  readonly roots: readonly Hex[];
  /** A slot's tensor, little-endian words. Not for the last slot. */
  tensor(slot: number): Promise<Uint8Array>;
  /** Bits of the accumulators after each chunk of the fold that gives an element of an output that folds. */
  accumulators(slot: number, element: number): Promise<readonly number[]>;
  /** The leaves that the judge reads for an element, or for one chunk of its fold. */
  needed(slot: number, element: number, chunk: number | undefined): Promise<readonly NeededLeaf[]>;
}
