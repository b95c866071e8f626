/** The version of a block at step 0, from a model's weights, or of the adapters beside them. */
import { findNotCanonical } from '../../compute/repops/arithmetic.ts';
import { elementCount } from '../../compute/repops/program.ts';
import type { DrawWord } from '../decoder/initialize.ts';
import { initialAdapters } from '../decoder/lora/adapters.ts';
import { canonicalCopy } from '../decoder/state.ts';
import type { WeightSource } from '../decoder/weights.ts';
import { type BlockPlan, blockOf, versionTensors } from './block-plan.ts';
import { type BlockVersion, BlockVersionError } from './block-version.ts';

/**
 * Reads only the block's tensors, so that no device has the whole model in memory. Moments are zero. Throws
 * BlockVersionError for frozen weights, and what the source throws for a tensor that it lacks.
 */
export async function firstVersion(
  plan: BlockPlan,
  id: string,
  weights: WeightSource,
  signal?: AbortSignal,
): Promise<BlockVersion> {
  if (plan.weights.frozen) {
    throw new BlockVersionError('Blocks of frozen weights begin with adapters: take `firstAdapters`.');
  }
  const block = blockOf(plan, id);
  const parameters = new Set(block.parameters);
  const tensors = new Map<string, Uint8Array>();
  for (const { name, shape } of versionTensors(block)) {
    const values = parameters.has(name)
      ? canonical(await weights.float32(name, signal), name)
      : new Float32Array(elementCount(shape));
    if (values.length !== elementCount(shape)) {
      throw new BlockVersionError(
        `${name} has ${values.length} elements and not [${shape}]: use this model's files.`,
      );
    }
    tensors.set(name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return { block: id, step: 0, tensors };
}

/**
 * Fresh adapters of the block, which is empty where the block has none. Moments are zero. `draw` is that of
 * `initialAdapters` for the whole model. Throws BlockVersionError where all weights are trained.
 */
export function firstAdapters(plan: BlockPlan, id: string, draw: DrawWord): BlockVersion {
  const { lora } = plan.weights;
  if (!plan.weights.frozen || lora === undefined) {
    throw new BlockVersionError('Blocks in training begin with the model’s weights: take `firstVersion`.');
  }
  const block = blockOf(plan, id);
  const names = new Set(block.trained.map(({ name }) => name));
  const fresh = initialAdapters({ config: plan.config, lora, draw, names });
  const tensors = versionTensors(block).map(({ name, shape }): [string, Uint8Array] => {
    const values = fresh.get(name) ?? new Float32Array(elementCount(shape));
    return [name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
  });
  return { block: id, step: 0, tensors: new Map(tensors) };
}

function canonical(values: Float32Array, name: string): Float32Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return findNotCanonical(words) < 0 ? values : canonicalCopy(values, name);
}
