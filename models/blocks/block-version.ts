/**
 * A block's version: its tensors after a number of steps. Its root, its file, and how the versions of all
 * blocks make the checkpoint and its root without anybody holding the whole model for the latter.
 */
import type { TensorData } from '../../compute/engines/tensor-data.ts';
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
import type { AdapterState } from '../decoder/lora/adapter-state.ts';
import { canonicalCopy, type ModelState } from '../decoder/state.ts';
import type { ElementRange, WeightSource } from '../decoder/weights.ts';
import {
  type Block,
  type BlockPlan,
  blockOf,
  type FrozenTensor,
  frozenTensors,
  versionTensors,
} from './block-plan.ts';
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
  /** What a step changes (`versionTensors`), as little-endian bytes. */
  readonly tensors: TensorBytes;
}

const FORMAT = 'starling-block-1';
const NO_DATA = new Uint8Array();
const PREFIXES = ['', 'optimizer.m.', 'optimizer.v.'] as const;

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

/** The tensors of a block's version as a checkpoint stores them, with the bytes that `bytesOf` gives. */
function storedTensors(block: Block, bytesOf: (name: string) => Uint8Array): Map<string, StoredTensor> {
  return new Map(
    versionTensors(block).map(({ name, shape }) => [name, { dtype: 'F32', shape, data: bytesOf(name) }]),
  );
}

function contentsOf(plan: BlockPlan, version: BlockVersion): SafetensorsFile {
  const block = blockOf(plan, version.block);
  const tensors = storedTensors(block, (name) => {
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
  const tensors = storedTensors(block, () => NO_DATA);
  checkRoots(tensors, version.roots);
  return checkpointRoot({ tensors, metadata: metadataOf(plan, block, version.step) }, version.roots);
}

function checkRoots(tensors: ReadonlyMap<string, unknown>, roots: TensorBytes): void {
  for (const name of tensors.keys()) {
    if (roots.get(name)?.length !== 32) throw new BlockVersionError(`The root of ${name} is missing.`);
  }
}

/**
 * The root of the whole checkpoint, composed from the tensor roots of all blocks. `metadata` is that of the
 * checkpoint (`checkpointMetadata`), or of the adapters' (`adapterMetadata`). Throws BlockVersionError when a
 * root is missing.
 */
export function composedRoot(
  plan: BlockPlan,
  metadata: ReadonlyMap<string, string>,
  roots: TensorBytes,
): Hex {
  const tensors = new Map(plan.blocks.flatMap((block) => [...storedTensors(block, () => NO_DATA)]));
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
  const wanted = versionTensors(block);
  if (tensors.size !== wanted.length) {
    throw new BlockVersionError(`${block.id} has ${tensors.size} tensors, its plan makes ${wanted.length}.`);
  }
  const read = wanted.map(({ name, shape }): [string, Uint8Array] => {
    const found = tensors.get(name);
    const fits =
      found?.dtype === 'F32' &&
      found.shape.length === shape.length &&
      found.shape.every((size, i) => size === shape[i]);
    if (!fits) throw new BlockVersionError(`${name} is missing or is not f32 [${shape}].`);
    // A copy in its own buffer, since Node's Buffer overrides `slice` to share memory at any alignment.
    const data = new Uint8Array(found.data);
    if (findNotCanonical(new Uint32Array(data.buffer)) >= 0) {
      throw new BlockVersionError(`${name} has values that are not canonical.`);
    }
    return [name, data];
  });
  return { block: block.id, step: Number(step), tensors: new Map(read) };
}

/**
 * The versions of all blocks of a model, or of the adapters beside its frozen weights. Values that are not
 * canonical are made so, as in a session; others are not copied. Throws BlockVersionError for tensors that
 * are missing or of another shape, and ModelStateError on NaN.
 */
export function blocksOf(plan: BlockPlan, state: ModelState | AdapterState): readonly BlockVersion[] {
  const values = 'parameters' in state ? state.parameters : state.adapters;
  const groups = { '': values, 'optimizer.m.': state.m, 'optimizer.v.': state.v };
  return plan.blocks.map((block) => {
    const tensors = PREFIXES.flatMap((prefix) =>
      block.trained.map(({ name, shape }): [string, Uint8Array] => {
        const data = groups[prefix].get(name);
        if (data?.length !== elementCount(shape)) {
          throw new BlockVersionError(`${prefix}${name} is missing from the model or is not [${shape}].`);
        }
        const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
        const canonical = findNotCanonical(words) < 0 ? data : canonicalCopy(data, prefix + name);
        return [prefix + name, bytesOf(canonical)];
      }),
    );
    return { block: block.id, step: state.step, tensors: new Map(tensors) };
  });
}

/** The frozen weights of a block, one tensor after another. None where every parameter is in training. */
export async function frozenWeights(
  plan: BlockPlan,
  block: Block,
  weights: WeightSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<TensorBytes> {
  const tensors = new Map<string, Uint8Array>();
  for (const tensor of frozenTensors(plan, block)) {
    options.signal?.throwIfAborted();
    tensors.set(tensor.name, bytesOf(await frozenValues(tensor, weights, options.signal)));
  }
  return tensors;
}

/** What `frozenWeights` reads of a model's parameters: all of one, or a range of its elements. */
export interface FrozenRead {
  readonly name: string;
  readonly range?: ElementRange;
}

/** What `frozenWeights` reads for a block, in order. */
export function frozenReads(plan: BlockPlan, block: Block): readonly FrozenRead[] {
  return frozenTensors(plan, block).map(readOf);
}

function readOf({ name, shape, rowsOf }: FrozenTensor): FrozenRead {
  if (rowsOf === undefined) return { name };
  const { table, part } = rowsOf;
  const width = elementCount(shape) / part.rows;
  return { name: table, range: { begin: part.first * width, end: (part.first + part.tokens) * width } };
}

async function frozenValues(
  tensor: FrozenTensor,
  weights: WeightSource,
  signal: AbortSignal | undefined,
): Promise<TensorData> {
  const { name, range } = readOf(tensor);
  if (range !== undefined) {
    const values = new Uint16Array(elementCount(tensor.shape));
    values.set(await weights.bfloat16(name, signal, range));
    return values;
  }
  if (tensor.dtype === 'bf16') return weights.bfloat16(name, signal);
  return canonicalCopy(await weights.float32(name, signal), name);
}

function bytesOf({ buffer, byteOffset, byteLength }: TensorData): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The trained tensors of all blocks, with their moments. Throws as `modelOf`. */
function joined(plan: BlockPlan, versions: readonly BlockVersion[]) {
  const step = versions[0]?.step ?? 0;
  const group = () => new Map<string, Float32Array>();
  const groups = { '': group(), 'optimizer.m.': group(), 'optimizer.v.': group() };
  for (const block of plan.blocks) {
    const version = versions.find((candidate) => candidate.block === block.id);
    if (version?.step !== step)
      throw new BlockVersionError(`${block.id} is missing at step ${step}: get it.`);
    for (const prefix of PREFIXES) {
      for (const { name, shape } of block.trained) {
        const held = version.tensors.get(prefix + name);
        if (held?.byteLength !== elementCount(shape) * 4) {
          throw new BlockVersionError(`${prefix}${name} is missing or not [${shape}].`);
        }
        const data = new Uint8Array(held);
        groups[prefix].set(name, new Float32Array(data.buffer));
      }
    }
  }
  return { values: groups[''], m: groups['optimizer.m.'], v: groups['optimizer.v.'], step };
}

/**
 * The whole model from all its blocks. Throws BlockVersionError unless there is one version of each block,
 * all of one step.
 */
export function modelOf(plan: BlockPlan, versions: readonly BlockVersion[]): ModelState {
  const { values, ...rest } = joined(plan, versions);
  return { parameters: values, ...rest };
}

/** The adapters from all blocks of a frozen model. Throws as `modelOf`. */
export function adaptersOf(plan: BlockPlan, versions: readonly BlockVersion[]): AdapterState {
  const { values, ...rest } = joined(plan, versions);
  return { adapters: values, ...rest };
}
