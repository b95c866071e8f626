/** Predicts the memory of a device that computes the hops of some blocks, before anything is allocated. */
import { elementCount, type Program } from '../../compute/repops/program.ts';
import { engineBytes, peakTemporaries } from '../decoder/memory.ts';
import { blockOf, frozenTensors, versionTensors } from './block-plan.ts';
import type { BlockStep } from './block-step.ts';

/** In bytes, of a `HopComputer`. */
export interface BlockMemory {
  /** The blocks' frozen weights and versions, and the tables of all hops. */
  readonly held: number;
  /** Inputs and outputs of hops. */
  readonly bound: number;
  /** Peak of the temporaries of any one hop. Engines add scratch space and gaps of a few per cent. */
  readonly activations: number;
  readonly total: number;
}

/**
 * The most memory of a `HopComputer` that computes every hop of these blocks. It holds less while only some
 * kinds of hops were asked of it. Throws BlockPlanError for a block that the plan lacks.
 */
export function predictBlockMemory(step: BlockStep, blocks: readonly string[]): BlockMemory {
  const { plan, recipe } = step;
  const held = new Map<string, number>();
  for (const id of blocks) {
    const block = blockOf(plan, id);
    for (const tensor of frozenTensors(plan, block)) held.set(tensor.name, engineBytes(tensor));
    for (const { name, shape } of versionTensors(block)) held.set(name, engineBytes({ shape, dtype: 'f32' }));
  }
  const programs = new Set<Program>();
  for (const { index, block } of step.hops) {
    const action = recipe.actions[index];
    if (!blocks.includes(block) || action?.kind !== 'run') continue;
    programs.add(action.program);
    for (const [name, tensor] of Object.entries(action.bindings)) {
      const found = recipe.tensors.get(tensor);
      if (found?.source.kind !== 'fixed' || found.dtype !== 'f32' || name !== tensor) continue;
      held.set(name, engineBytes(found));
    }
  }
  const bound = new Map<string, number>();
  let activations = 0;
  for (const program of programs) {
    activations = Math.max(activations, peakTemporaries(program));
    for (const [name, spec] of Object.entries(program.tensors)) {
      if (spec.storage !== 'bound' || held.has(name)) continue;
      bound.set(`${name} ${elementCount(spec.shape)}`, engineBytes(spec));
    }
  }
  const sum = (sizes: ReadonlyMap<string, number>) => [...sizes.values()].reduce((a, b) => a + b, 0);
  const [heldBytes, boundBytes] = [sum(held), sum(bound)];
  return {
    held: heldBytes,
    bound: boundBytes,
    activations,
    total: heldBytes + boundBytes + activations,
  };
}
