/**
 * Where a hop of a step over blocks is in the step's trace. A device signs the roots of what a hop read and
 * wrote; here is which slots of a claim these are.
 */
import type { BlockStep } from '../models/blocks/block-step.ts';
import type { EncodedProgram } from './encode-program.ts';

export interface TensorSlot {
  /** The recipe's name. */
  readonly tensor: string;
  readonly slot: number;
}

/** The slots at the ends of a hop. All inputs and state come before all outputs. */
export interface HopSlots {
  /** In the order of the hop's `inputs`. */
  readonly inputs: readonly TensorSlot[];
  /** In the order of the hop's `state`. */
  readonly state: readonly TensorSlot[];
  /** In the order of the hop's `outputs`. */
  readonly outputs: readonly TensorSlot[];
}

/** The slots of a hop's inputs, state and outputs. Throws RangeError for a hop that the step lacks. */
export function slotsOfHop(step: BlockStep, encoded: EncodedProgram, hop: number): HopSlots {
  const found = step.hops[hop];
  if (found === undefined) throw new RangeError(`The step has no hop ${hop}.`);
  // Only updates write a tensor that has a value already, and no hop reads it after that.
  const before = new Map(encoded.given.map(({ name, slot }) => [name, slot]));
  for (let earlier = 0; earlier < hop; earlier++) {
    for (const { tensor, slot } of written(encoded, earlier)) before.set(tensor, slot);
  }
  const after = new Map(written(encoded, hop).map(({ tensor, slot }) => [tensor, slot]));
  const named = (names: readonly string[], slots: ReadonlyMap<string, number>) =>
    names.map((tensor) => {
      const slot = slots.get(tensor);
      if (slot === undefined) throw new RangeError(`Hop ${hop} has no slot for ${tensor}.`);
      return { tensor, slot };
    });
  return {
    inputs: named(found.inputs, before),
    state: named(found.state, before),
    outputs: named(found.outputs, after),
  };
}

/** The hop in whose program a slot is, or undefined for what is given and for the checkpoint. */
export function hopOfSlot(encoded: EncodedProgram, slot: number): number | undefined {
  const hop = encoded.actions.findIndex(
    (action) =>
      action.kind === 'run' &&
      slot >= action.traced.firstSlot &&
      slot < action.traced.firstSlot + action.traced.outputs.length,
  );
  return hop < 0 ? undefined : hop;
}

/** What an action leaves in the recipe's tensors. */
function written(encoded: EncodedProgram, index: number): readonly TensorSlot[] {
  const action = encoded.actions[index];
  if (action?.kind !== 'run') return [];
  const { outputs, firstSlot } = action.traced;
  return outputs.flatMap((name, place) => {
    const tensor = action.action.bindings[name];
    return tensor === undefined ? [] : [{ tensor, slot: firstSlot + place }];
  });
}
