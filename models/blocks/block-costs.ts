/** Predicts what a block takes on a device, on its medium and in memory, before anything is allocated. */
import { elementBytes, elementCount } from '../../compute/repops/program.ts';
import { predictBlockMemory } from './block-memory.ts';
import { frozenTensors, versionTensors } from './block-plan.ts';
import type { BlockStep } from './block-step.ts';

/** In bytes. */
export interface BlockCost {
  readonly id: string;
  /** Most that the file of one version has. */
  readonly versionBytes: number;
  /** Its weights that no step changes. */
  readonly frozenBytes: number;
  /**
   * Memory while a device keeps the block: its frozen weights on the engine, its versions of two steps, and
   * the copy of these on the engine.
   */
  readonly heldBytes: number;
  /** Memory of its hops besides: what they read of others and write, and their temporaries. */
  readonly workBytes: number;
}

/** Bytes of a file's header for the metadata, and for each tensor. */
const METADATA_BYTES = 4096;
const TENSOR_BYTES = 256;
/** Versions that a device has in memory beside those of its engine: of the step before, and of this one. */
const VERSIONS_IN_MEMORY = 2;

/** What each block of a step's plan takes, in the plan's order. Pure. */
export function blockCosts(step: BlockStep): readonly BlockCost[] {
  return step.plan.blocks.map((block) => {
    const tensors = versionTensors(block);
    const version = tensors.reduce((sum, { shape }) => sum + elementBytes('f32') * elementCount(shape), 0);
    const frozen = frozenTensors(step.plan, block).reduce(
      (sum, { shape, dtype }) => sum + elementBytes(dtype) * elementCount(shape),
      0,
    );
    const { held, bound, activations } = predictBlockMemory(step, [block.id]);
    return {
      id: block.id,
      versionBytes: version + METADATA_BYTES + TENSOR_BYTES * tensors.length,
      frozenBytes: frozen,
      heldBytes: held + VERSIONS_IN_MEMORY * version,
      workBytes: bound + activations,
    };
  });
}
