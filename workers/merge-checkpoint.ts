/** The weights of a model with the adapters that a checkpoint has for it. */
import { elementCount } from '../compute/repops/program.ts';
import { float32Tensor, serializeSafetensors } from '../models/checkpoint/safetensors.ts';
import { parameterSpecs } from '../models/decoder/config.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import { mergedWeights } from '../models/decoder/lora/merge.ts';
import { ModelLoadError, type ModelSource } from '../models/loading/model-source.ts';
import { openWeights } from '../models/loading/weight-files.ts';
import { readCheckpoint } from '../training/learning-checkpoint.ts';

/** Bytes of weights that are merged in memory. */
const MOST_BYTES = 2 ** 30;

/**
 * model.safetensors in float32. Throws ModelLoadError for a checkpoint without adapters, for weights that the
 * adapters do not belong to, and for more than 1 GiB; what reading them throws; and the signal's reason.
 */
export async function mergeCheckpoint(options: {
  readonly source: ModelSource;
  readonly checkpoint: Uint8Array;
  readonly signal: AbortSignal;
}): Promise<Uint8Array> {
  const { source, signal } = options;
  const checkpoint = readCheckpoint(options.checkpoint);
  if (checkpoint.kind !== 'adapters') {
    throw new ModelLoadError('This checkpoint has whole weights, with nothing to merge; save it as it is');
  }
  const { config, lora, state } = checkpoint;
  const specs = parameterSpecs(config);
  const bytes = specs.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
  if (bytes > MOST_BYTES) {
    throw new ModelLoadError(
      `The merged weights have ${Math.ceil(bytes / 1e6)} MB, too many for a page; save the adapter, and merge it with PEFT's merge_and_unload`,
    );
  }
  const weights = await openWeights(source, config, { signal });
  const root = await frozenRoot(config, weights, { signal });
  if (root !== checkpoint.base) {
    throw new ModelLoadError(
      `The adapters belong to weights with root ${checkpoint.base.slice(0, 10)}…, and these have ${root.slice(0, 10)}…; use those`,
    );
  }
  const merged = mergedWeights(config, weights, lora, state.adapters);
  const tensors = new Map<string, ReturnType<typeof float32Tensor>>();
  for (const { name, shape } of specs) {
    tensors.set(name, float32Tensor(shape, await merged.float32(name, signal)));
  }
  return serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) });
}
