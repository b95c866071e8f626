/** Predicts what a block takes on a device from its programs, before anything is allocated. */
import { elementBytes, elementCount, type Program } from '../../compute/repops/program.ts';
import { peakTemporaries } from '../decoder/memory.ts';
import { type Block, frozenTensors, versionTensors } from './block-plan.ts';
import type { BlockStep } from './block-step.ts';

/** In bytes. */
export interface BlockCost {
  readonly id: string;
  /** Most that the file of one version has. */
  readonly versionBytes: number;
  /**
   * Memory while a device keeps the block: its frozen weights and its versions of two steps, and the copy
   * of these on the engine.
   */
  readonly heldBytes: number;
  /** Memory of its largest hop besides: what the hop reads of others and writes, and its temporaries. */
  readonly workBytes: number;
}

/** Bytes of a file's header for the metadata, and for each tensor. */
const METADATA_BYTES = 4096;
const TENSOR_BYTES = 256;
/** Versions in memory: those of two steps, and one on the engine. */
const VERSIONS_IN_MEMORY = 3;

/** What each block of a step's plan takes, in the plan's order. Pure. */
export function blockCosts(step: BlockStep): readonly BlockCost[] {
  return step.plan.blocks.map((block) => {
    const tensors = versionTensors(block);
    const version = tensors.reduce((sum, { shape }) => sum + elementBytes('f32') * elementCount(shape), 0);
    const frozen = frozenTensors(step.plan, block).reduce(
      (sum, { shape, dtype }) => sum + elementBytes(dtype) * elementCount(shape),
      0,
    );
    return {
      id: block.id,
      versionBytes: version + METADATA_BYTES + TENSOR_BYTES * tensors.length,
      heldBytes: 2 * frozen + VERSIONS_IN_MEMORY * version,
      workBytes: largestHop(step, block),
    };
  });
}

function largestHop({ recipe, hops }: BlockStep, block: Block): number {
  const known = new Map<Program, number>();
  let largest = 0;
  for (const { index, block: of, state } of hops) {
    const action = recipe.actions[index];
    if (of !== block.id || action?.kind !== 'run') continue;
    const { program, bindings } = action;
    const bytes = known.get(program) ?? workOf(program, (name) => state.includes(bindings[name] ?? name));
    known.set(program, bytes);
    largest = Math.max(largest, bytes);
  }
  return largest;
}

/** Bytes of a program's tensors but for those that are of the block's state. */
function workOf(program: Program, isState: (name: string) => boolean): number {
  let bytes = peakTemporaries(program);
  for (const [name, { storage, shape, dtype }] of Object.entries(program.tensors)) {
    if (storage === 'bound' && !isState(name)) bytes += elementBytes(dtype) * elementCount(shape);
  }
  return bytes;
}
