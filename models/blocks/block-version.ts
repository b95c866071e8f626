/**
 * A block's version: its tensors after a number of steps. Its root, its file, and how the versions of all
 * blocks make the checkpoint and its root without anybody holding the whole model for the latter.
 */
import { findNotCanonical } from '../../compute/repops/arithmetic.ts';
import { elementCount } from '../../compute/repops/program.ts';
import type { Hex } from '../../protocol/hex.ts';
import { checkpointRoot } from '../checkpoint/root.ts';
import {
  parseSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  serializeSafetensors,
} from '../checkpoint/safetensors.ts';
import { configJson } from '../decoder/config.ts';
import type { ModelState, NamedTensors } from '../decoder/state.ts';
import { type Block, type BlockPlan, blockOf } from './block-plan.ts';
import { blockTensors } from './block-step.ts';
import type { TensorBytes } from './hop-computer.ts';

/** A block's tensors are not those of its plan. The message tells which. */
export class BlockVersionError extends Error {
  override readonly name = 'BlockVersionError';
}

export interface BlockVersion {
  /** The block's id. */
  readonly block: string;
  /** Optimizer steps taken. */
  readonly step: number;
  /** The tensors of `blockTensors`, as little-endian bytes. */
  readonly tensors: TensorBytes;
}

const FORMAT = 'starling-block-1';
const NO_DATA = new Uint8Array();

function metadataOf(plan: BlockPlan, block: Block, step: number): ReadonlyMap<string, string> {
  const { lora } = plan.weights;
  return new Map([
    ['format', FORMAT],
    ['config', JSON.stringify(configJson(plan.config))],
    ['block', block.id],
    ['step', String(step)],
    ...(lora === undefined ? [] : [['lora', JSON.stringify(lora)] as const]),
  ]);
}

/** The tensors of a block as a checkpoint stores them, with the bytes that `bytesOf` gives. */
function storedTensors(
  plan: BlockPlan,
  block: Block,
  bytesOf: (name: string) => Uint8Array,
): Map<string, StoredTensor> {
  return new Map(
    blockTensors(plan, block).map(({ name, shape, dtype }) => [
      name,
      { dtype: dtype === 'bf16' ? 'BF16' : 'F32', shape, data: bytesOf(name) },
    ]),
  );
}

function contentsOf(plan: BlockPlan, version: BlockVersion): SafetensorsFile {
  const block = blockOf(plan, version.block);
  const tensors = storedTensors(plan, block, (name) => {
    const data = version.tensors.get(name);
    if (data === undefined) throw new BlockVersionError(`${name} is missing from ${version.block}.`);
    return data;
  });
  return { tensors, metadata: metadataOf(plan, block, version.step) };
}

/**
 * The root of a block's version, from its tensors or from their roots: as a checkpoint's root over the
 * block's tensors, with format, config, block and step as metadata. Throws BlockVersionError when a root is
 * missing.
 */
export function blockRoot(
  plan: BlockPlan,
  version: BlockVersion | (Omit<BlockVersion, 'tensors'> & { readonly roots: TensorBytes }),
): Hex {
  if ('tensors' in version) return checkpointRoot(contentsOf(plan, version));
  const block = blockOf(plan, version.block);
  const tensors = storedTensors(plan, block, () => NO_DATA);
  checkRoots(tensors, version.roots);
  return checkpointRoot({ tensors, metadata: metadataOf(plan, block, version.step) }, version.roots);
}

function checkRoots(tensors: ReadonlyMap<string, unknown>, roots: TensorBytes): void {
  for (const name of tensors.keys()) {
    if (roots.get(name)?.length !== 32) throw new BlockVersionError(`The root of ${name} is missing.`);
  }
}

/**
 * The root of the whole model's checkpoint, composed from the tensor roots of all blocks. `metadata` is the
 * checkpoint's (`checkpointMetadata`). Throws BlockVersionError when a root is missing, or for frozen
 * weights, which have checkpoints of their own kind.
 */
export function composedRoot(
  plan: BlockPlan,
  metadata: ReadonlyMap<string, string>,
  roots: TensorBytes,
): Hex {
  if (plan.weights.frozen) throw new BlockVersionError('Adapters have a root of their own kind.');
  const tensors = new Map(plan.blocks.flatMap((block) => [...storedTensors(plan, block, () => NO_DATA)]));
  checkRoots(tensors, roots);
  return checkpointRoot({ tensors, metadata }, roots);
}

/** A block's version as a file. Equal versions give equal bytes. */
export function encodeBlock(plan: BlockPlan, version: BlockVersion): Uint8Array {
  return serializeSafetensors(contentsOf(plan, version));
}

/**
 * Reads `encodeBlock`'s file. Throws SafetensorsError for a bad file, and BlockVersionError for a block of
 * another plan, a missing, misshapen or unknown tensor, and a value that is not canonical.
 */
export function decodeBlock(plan: BlockPlan, file: Uint8Array): BlockVersion {
  const { tensors, metadata } = parseSafetensors(file);
  const block = blockOf(plan, metadata.get('block') ?? '');
  const step = metadata.get('step') ?? '';
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(step)) throw new BlockVersionError('Its step is not a whole number.');
  const expected = metadataOf(plan, block, Number(step));
  if (metadata.size !== expected.size || [...expected].some(([key, value]) => metadata.get(key) !== value)) {
    throw new BlockVersionError(`${block.id} is a block of another model or plan: get this plan's.`);
  }
  const wanted = blockTensors(plan, block);
  if (tensors.size !== wanted.length) {
    throw new BlockVersionError(`${block.id} has ${tensors.size} tensors, its plan makes ${wanted.length}.`);
  }
  const read = wanted.map(({ name, shape, dtype }): [string, Uint8Array] => {
    const found = tensors.get(name);
    const fits =
      found?.dtype === (dtype === 'bf16' ? 'BF16' : 'F32') &&
      found.shape.length === shape.length &&
      found.shape.every((size, i) => size === shape[i]);
    if (!fits) throw new BlockVersionError(`${name} is missing or is not ${dtype} [${shape}].`);
    const data = found.data.slice();
    if (dtype === 'f32' && findNotCanonical(new Uint32Array(data.buffer)) >= 0) {
      throw new BlockVersionError(`${name} has values that are not canonical.`);
    }
    return [name, data];
  });
  return { block: block.id, step: Number(step), tensors: new Map(read) };
}

/** The blocks of a model whose every parameter is in training. */
export function blocksOf(plan: BlockPlan, state: ModelState): readonly BlockVersion[] {
  const groups: readonly (readonly [string, NamedTensors])[] = [
    ['optimizer.m.', state.m],
    ['optimizer.v.', state.v],
    ['', state.parameters],
  ];
  return plan.blocks.map((block) => {
    const tensors = blockTensors(plan, block).map(({ name }): [string, Uint8Array] => {
      const [prefix, group] = groups.find(([start]) => name.startsWith(start)) ?? ['', state.parameters];
      const data = group.get(name.slice(prefix.length));
      if (data === undefined) throw new BlockVersionError(`${name} is missing from the model.`);
      return [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
    });
    return { block: block.id, step: state.step, tensors: new Map(tensors) };
  });
}

/**
 * The whole model from all its blocks. Throws BlockVersionError unless there is one version of each block,
 * all of one step.
 */
export function modelOf(plan: BlockPlan, versions: readonly BlockVersion[]): ModelState {
  const [first] = versions;
  const step = first?.step ?? 0;
  const group = () => new Map<string, Float32Array>();
  const groups = { '': group(), 'optimizer.m.': group(), 'optimizer.v.': group() };
  for (const block of plan.blocks) {
    const version = versions.find((candidate) => candidate.block === block.id);
    if (version?.step !== step)
      throw new BlockVersionError(`${block.id} is missing at step ${step}: get it.`);
    for (const prefix of ['', 'optimizer.m.', 'optimizer.v.'] as const) {
      for (const { name, shape } of block.trained) {
        const data = version.tensors.get(prefix + name)?.slice();
        if (data?.byteLength !== elementCount(shape) * 4) {
          throw new BlockVersionError(`${prefix}${name} is missing or not [${shape}].`);
        }
        groups[prefix].set(name, new Float32Array(data.buffer));
      }
    }
  }
  return { parameters: groups[''], m: groups['optimizer.m.'], v: groups['optimizer.v.'], step };
}
