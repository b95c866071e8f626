/** The evidence for one step: a `StepTrace` over the computed tensors. */

import type { Words } from '../compute/repops/recipe.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import type { Slot, StepTrace } from '../protocol/evidence.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { isIndexInput } from './encode-program.ts';
import { type FoldInputs, foldAccumulators } from './folds.ts';
import { neededLeaves } from './operand-reads.ts';

export interface StepTraceOptions {
  readonly program: readonly Slot[];
  /** The tensor of each slot. The last slot's is not read. */
  readonly tensors: readonly Uint8Array[];
  readonly before: Hex;
  readonly after: Hex;
  readonly checkpointLeaves: readonly Hex[];
}

/** A view of the words, or a copy when their position in memory allows no view. */
function wordsOf(bytes: Uint8Array, integers: boolean): Words {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset % 4 !== 0) return wordsOf(new Uint8Array(bytes), integers);
  return integers
    ? new Uint32Array(buffer, byteOffset, byteLength / 4)
    : new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** The trace of a step. Its methods throw RangeError for slots that it does not have. */
export function stepTrace(options: StepTraceOptions): StepTrace {
  const { program, tensors, before, after, checkpointLeaves } = options;
  const last = program.length - 1;
  const roots = program.map((_, slot) => (slot === last ? after : toHex(tensorRoot(must(tensors, slot)))));
  const tensorAt = (slot: number): Uint8Array => {
    const tensor = tensors[slot];
    if (tensor === undefined || slot === last)
      throw new RangeError(`The trace has no tensor in slot ${slot}.`);
    return tensor;
  };
  const callOf = (slot: number): FoldInputs => {
    const entry = program[slot];
    if (entry === undefined) throw new RangeError(`The trace has no slot ${slot}.`);
    return {
      node: entry.node,
      inputs: entry.inputs.map((place, input) =>
        wordsOf(tensorAt(place), isIndexInput(entry.node.op, input)),
      ),
    };
  };
  return {
    before,
    after,
    checkpointLeaves,
    roots,
    tensor: async (slot) => tensorAt(slot),
    accumulators: async (slot, element) => foldAccumulators(callOf(slot), element),
    needed: async (slot, element, chunk) => neededLeaves(callOf(slot), element, chunk),
  };
}
