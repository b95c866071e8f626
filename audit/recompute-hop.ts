/**
 * One hop of a step over blocks, computed again with every slot of it: what an audit of a handoff compares,
 * and what a dispute about the hop shows.
 */
import type { Engine, Tensor } from '../compute/engines/engine.ts';
import { type TensorData, viewAs } from '../compute/engines/tensor-data.ts';
import { elementBytes, elementCount, type TensorSpec } from '../compute/repops/program.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import type { StepTrace } from '../protocol/evidence.ts';
import { toHex } from '../protocol/hex.ts';
import { type HopShape, hopProgram, hopReads, hopResult } from '../protocol/hop-program.ts';
import { must } from '../protocol/must.ts';
import type { TracedProgram } from './encode-program.ts';
import { slotsOfHop } from './hop-slots.ts';
import type { RunPlan } from './run-plan.ts';
import { stepTrace } from './step-trace.ts';

/** A hop cannot be computed again from these tensors. The message names what is wrong with which. */
export class HopAuditError extends Error {
  override readonly name = 'HopAuditError';
}

/**
 * Which slots of the step's program a hop is: what a claim about this hop alone is made of. Inputs and
 * outputs are in the order in which a device signs them. Throws RangeError for a run that is not over blocks,
 * or has no such hop.
 */
export function hopShapeOf(plan: RunPlan, hop: number): HopShape {
  const { blocks, encoded, program } = plan;
  const action = encoded.actions[hop];
  if (blocks === undefined || action?.kind !== 'run') {
    throw new RangeError(`The run has no hop ${hop} over blocks.`);
  }
  const { inputs, state, outputs } = slotsOfHop(blocks, encoded, hop);
  const range = { first: action.traced.firstSlot, count: action.traced.outputs.length };
  return {
    ...range,
    inputs: [...inputs, ...state].map(({ slot }) => slot),
    tables: hopReads(program, range).tables,
    outputs: outputs.map(({ slot }) => slot),
  };
}

export interface RecomputeHopOptions {
  readonly engine: Engine;
  readonly plan: RunPlan;
  readonly hop: number;
  /** The little-endian bytes of each of the hop's inputs, by slot. */
  readonly inputs: ReadonlyMap<number, Uint8Array>;
  readonly signal?: AbortSignal;
}

/**
 * The tensors of all slots that the hop computes, by slot. Throws HopAuditError for an input that is missing
 * or of another size. Calls on one engine must not overlap.
 */
export async function recomputeHop(options: RecomputeHopOptions): Promise<ReadonlyMap<number, Uint8Array>> {
  const { engine, plan, hop } = options;
  const action = plan.encoded.actions[hop];
  if (action?.kind !== 'run') throw new RangeError(`The run has no hop ${hop}.`);
  const { traced } = action;
  const tensors: Record<string, Tensor> = {};
  try {
    for (const [name, { shape, dtype }] of Object.entries(traced.program.tensors)) {
      tensors[name] = engine.allocate(shape, dtype);
    }
    for (const [name, slot] of readsOf(plan, traced)) {
      const spec = traced.program.tensors[name];
      const tensor = tensors[name];
      if (spec === undefined || tensor === undefined) throw new RangeError(`The hop has no tensor ${name}.`);
      engine.write(tensor, elementsOf(slot, given(options, slot), spec));
    }
    await engine.run(traced.program, tensors, options);
    const computed = new Map<number, Uint8Array>();
    for (const [i, name] of traced.outputs.entries()) {
      const tensor = tensors[name];
      if (tensor === undefined) throw new RangeError(`The hop has no tensor ${name}.`);
      const { buffer, byteOffset, byteLength } = await engine.read(tensor);
      computed.set(traced.firstSlot + i, new Uint8Array(buffer, byteOffset, byteLength));
    }
    return computed;
  } finally {
    for (const tensor of Object.values(tensors)) engine.free(tensor);
  }
}

/** The tensors of a traced program that it reads before it computes them, and the slots that these are. */
function readsOf(plan: RunPlan, traced: TracedProgram): ReadonlyMap<string, number> {
  const reads = new Map<string, number>();
  let slot = traced.firstSlot;
  for (const node of traced.program.nodes) {
    const places = must(plan.program, slot).inputs;
    for (const [i, name] of node.inputs.entries()) {
      const place = places[i];
      if (place !== undefined && place < traced.firstSlot) reads.set(name, place);
    }
    slot += node.outputs.length;
  }
  return reads;
}

function given({ plan, hop, inputs }: RecomputeHopOptions, slot: number): Uint8Array {
  const bytes = inputs.get(slot) ?? tableAt(plan, slot);
  if (bytes !== undefined) return bytes;
  throw new HopAuditError(`Hop ${hop} cannot be computed without slot ${slot}. Get it from whoever has it.`);
}

/** The bytes of a fixed slot, which the recipe has. */
function tableAt(plan: RunPlan, slot: number): Uint8Array | undefined {
  const name = plan.encoded.given.find((each) => each.slot === slot)?.name;
  const source = name === undefined ? undefined : plan.recipe.tensors.get(name)?.source;
  if (source?.kind !== 'fixed') return undefined;
  const { buffer, byteOffset, byteLength } = source.words;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function elementsOf(slot: number, bytes: Uint8Array, { shape, dtype }: TensorSpec): TensorData {
  const size = elementCount(shape) * elementBytes(dtype);
  if (bytes.byteLength !== size) {
    throw new HopAuditError(
      `Slot ${slot} has ${bytes.byteLength} bytes, and it takes ${size}. Get it again.`,
    );
  }
  const aligned = bytes.byteOffset % elementBytes(dtype) === 0 ? bytes : new Uint8Array(bytes);
  return viewAs(dtype, aligned.buffer, aligned.byteOffset, elementCount(shape));
}

/** The trace of the hop's run, from its inputs and the tensors that `recomputeHop` gave. */
export function hopTraceOf(
  plan: RunPlan,
  shape: HopShape,
  inputs: ReadonlyMap<number, Uint8Array>,
  computed: ReadonlyMap<number, Uint8Array>,
): StepTrace {
  const bytesAt = (slot: number): Uint8Array => {
    const bytes = inputs.get(slot) ?? tableAt(plan, slot) ?? computed.get(slot);
    if (bytes === undefined) throw new RangeError(`The hop has no slot ${slot}.`);
    return bytes;
  };
  const places = [
    ...shape.inputs,
    ...shape.tables,
    ...Array.from({ length: shape.count }, (_, i) => shape.first + i),
  ];
  const after = hopResult(shape.outputs.map((slot) => ({ root: toHex(tensorRoot(bytesAt(slot))) })));
  return stepTrace({
    program: hopProgram(plan.program, shape),
    tensors: [...places.map(bytesAt), new Uint8Array()],
    before: `0x${'00'.repeat(32)}`,
    after,
    checkpointLeaves: [],
  });
}
