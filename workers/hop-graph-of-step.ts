/**
 * A step of training over blocks as the members of a pipeline see it: its hops, with the slots and sizes of
 * their tensors, and the roots of the blocks' versions.
 */
import { encodeProgram } from '../audit/encode-program.ts';
import { slotsOfHop } from '../audit/hop-slots.ts';
import { elementCount } from '../compute/repops/program.ts';
import { type BlockPlan, versionTensors } from '../models/blocks/block-plan.ts';
import type { BlockStep } from '../models/blocks/block-step.ts';
import { blockRoot } from '../models/blocks/block-version.ts';
import type { HopKind } from '../models/blocks/hop.ts';
import type { SlotUse } from '../pipeline/node-queue.ts';
import { HopGraph, type TensorPlace } from '../pipeline/runtime/hop-graph.ts';
import { fromHex, type Hex } from '../protocol/hex.ts';

const SLOT_USE: Partial<Record<HopKind, SlotUse>> = { forward: 'takes', backward: 'gives' };
const graphs = new WeakMap<BlockStep, HopGraph>();

/** The graph of a step, made once for each. Throws HopGraphError for a step whose hops are out of order. */
export function hopGraphOf(step: BlockStep): HopGraph {
  const known = graphs.get(step) ?? makeGraph(step);
  graphs.set(step, known);
  return known;
}

function makeGraph(step: BlockStep): HopGraph {
  const slots = slotsOf(step);
  const made = new Map<string, TensorPlace>();
  const state = new Map(
    step.plan.blocks.map((block) => [
      block.id,
      new Map(
        versionTensors(block).map(({ name, shape }) => [
          name,
          { slot: slots.given(name), bytes: 4 * elementCount(shape) },
        ]),
      ),
    ]),
  );
  const data = new Map<string, TensorPlace>();
  for (const [name, { source }] of step.recipe.tensors)
    if (source.kind === 'data') data.set(name, { slot: slots.given(name), bytes: step.bytesOf(name) });
  const nodes = step.hops.map(({ index, kind, block, microbatch, inputs, state: read, outputs }) => {
    for (const name of outputs) made.set(name, { slot: slots.made(index, name), bytes: step.bytesOf(name) });
    return {
      index,
      kind,
      block,
      inputs,
      // Frozen weights are the same in all versions.
      state: read.filter((name) => state.get(block)?.has(name) === true),
      outputs,
      isUpdate: kind === 'update',
      slot: SLOT_USE[kind] ?? 'none',
      ...(microbatch === undefined ? {} : { microbatch }),
    };
  });
  return new HopGraph({ nodes, made, data, state });
}

interface Slots {
  /** The slot of what is given at the step's beginning. Throws RangeError for another tensor. */
  readonly given: (tensor: string) => number;
  /** The slot of what a hop gives. Throws RangeError for another tensor. */
  readonly made: (hop: number, tensor: string) => number;
}

/**
 * Slots as a claim has them. The judge reads no frozen weights, so a step with these has no claim: there each
 * tensor's slot is its place in the recipe.
 */
function slotsOf(step: BlockStep): Slots {
  const names = new Map([...step.recipe.tensors.keys()].map((name, place) => [name, place]));
  const slotIn = (slots: ReadonlyMap<string, number> | undefined, tensor: string): number => {
    const slot = slots?.get(tensor);
    if (slot === undefined) throw new RangeError(`The step has no slot for ${tensor}.`);
    return slot;
  };
  if (step.plan.weights.frozen)
    return { given: (tensor) => slotIn(names, tensor), made: (_, tensor) => slotIn(names, tensor) };
  const encoded = encodeProgram(step.recipe);
  const outputs = step.hops.map(
    ({ index }) =>
      new Map(slotsOfHop(step, encoded, index).outputs.map(({ tensor, slot }) => [tensor, slot])),
  );
  const given = new Map(encoded.given.map(({ name, slot }) => [name, slot]));
  return {
    given: (tensor) => slotIn(given, tensor),
    made: (hop, tensor) => slotIn(outputs[hop], tensor),
  };
}

/** The root of a block's version from the roots of its tensors, as handoffs name it. */
export function versionRootOf(
  plan: BlockPlan,
  block: string,
  step: number,
  roots: ReadonlyMap<string, Hex>,
): Hex {
  return blockRoot(plan, {
    block,
    step,
    roots: new Map([...roots].map(([name, root]) => [name, fromHex(root)])),
  });
}
