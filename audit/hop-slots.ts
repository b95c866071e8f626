/**
 * Where a hop of a step over blocks is in the step's trace. A device signs the roots of what a hop read and
 * wrote; here is which slots of a claim these are.
 */
import { versionTensors } from '../models/blocks/block-plan.ts';
import type { BlockStep } from '../models/blocks/block-step.ts';
import type { EncodedProgram } from './encode-program.ts';

export interface TensorSlot {
  /** The recipe's name. */
  readonly tensor: string;
  readonly slot: number;
}

/** A tensor's slot in the trace of a step, and its size. */
export interface TensorPlace {
  readonly slot: number;
  readonly bytes: number;
}

/** Where all tensors at the ends of hops are. */
export interface StepPlaces {
  /** What hops write, by name. Of a tensor of a block: its value after the step. */
  readonly made: ReadonlyMap<string, TensorPlace>;
  /** The step's data, by name. */
  readonly data: ReadonlyMap<string, TensorPlace>;
  /** By block and name: the block's version before the step. */
  readonly state: ReadonlyMap<string, ReadonlyMap<string, TensorPlace>>;
}

/** The places of a step's tensors, for a member that computes hops and signs handoffs. */
export function placesOf(step: BlockStep, encoded: EncodedProgram): StepPlaces {
  const place = ({ tensor, slot }: TensorSlot): [string, TensorPlace] => [
    tensor,
    { slot, bytes: step.bytesOf(tensor) },
  ];
  const given = new Map(encoded.given.map(({ name, slot }) => place({ tensor: name, slot })));
  const those = (names: readonly string[]) => new Map([...given].filter(([name]) => names.includes(name)));
  const data = [...step.recipe.tensors]
    .filter(([, { source }]) => source.kind === 'data')
    .map(([name]) => name);
  return {
    made: new Map(encoded.actions.flatMap((_, index) => written(encoded, index).map(place))),
    data: those(data),
    state: new Map(
      step.plan.blocks.map((block) => [block.id, those(versionTensors(block).map(({ name }) => name))]),
    ),
  };
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
