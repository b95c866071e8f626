/**
 * A checkpoint as files for other programs. In a chunk of its own, since it brings the model's code along.
 */

import { float32Tensor, serializeSafetensors } from '../../models/checkpoint/safetensors.ts';
import { type Checkpoint, decodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import { parameterSpecs } from '../../models/decoder/config.ts';
import { decodeAdapters } from '../../models/decoder/lora/adapter-state.ts';
import { peftFiles } from '../../models/decoder/lora/peft.ts';
import { tensorNamed } from '../../models/decoder/state.ts';
import { exportDecoder } from '../../models/onnx/export-decoder.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { readCheckpoint } from '../../training/learning-checkpoint.ts';
import type { NamedBytes } from '../../workers/model-api.ts';
import { zipParts } from '../ui/zip.ts';
import { blocksCard } from './blocks-card-text.ts';
import { type CardFacts, modelCard } from './model-card-text.ts';

/** The base that a checkpoint was trained from. */
export interface ExportBase {
  /** Its files besides the weights, those that it has. */
  files(): Promise<readonly NamedBytes[]>;
  /** model.safetensors with a checkpoint's adapters merged into the weights. */
  merged(checkpoint: Uint8Array): Promise<Uint8Array>;
}

export interface ExportOptions extends Omit<CardFacts, 'files' | 'form'> {
  readonly checkpoint: Uint8Array;
  readonly base: ExportBase;
  /** Merges adapters into the weights of their base. Defaults to false. */
  readonly merged?: boolean;
}

/**
 * The trained model as a folder in a ZIP archive, with its card: all weights with configuration and
 * tokenizer, or PEFT's two files of adapters, which are those of the checkpoint, bit by bit; or with `merged`
 * the weights that adapters make of their base. Throws what reading the base throws.
 */
export async function exportFolder(options: ExportOptions): Promise<Blob> {
  const { spec, checkpoint: file, base, merged = false } = options;
  const checkpoint = readCheckpoint(file);
  const files = new Map<string, Uint8Array>();
  if (checkpoint.kind === 'adapters' && !merged) {
    const { config, lora, state } = checkpoint;
    const peft = peftFiles({
      config,
      lora,
      adapters: state.adapters,
      base: options.ownModel?.name ?? spec.base.name,
    });
    for (const [name, bytes] of Object.entries(peft)) files.set(name, bytes);
  } else {
    for (const { name, bytes } of await base.files()) {
      files.set(name, name === 'config.json' ? inFloat32(bytes) : bytes);
    }
    files.set(
      'model.safetensors',
      checkpoint.kind === 'full' ? wholeWeights(checkpoint) : await base.merged(file),
    );
  }
  const form = checkpoint.kind === 'full' ? 'weights' : merged ? 'merged' : 'adapter';
  const card = modelCard({ ...options, form, files: [...files.keys()] });
  files.set('README.md', new TextEncoder().encode(card));
  const folder = folderName(spec.name);
  const named = new Map([...files].map(([name, bytes]) => [`${folder}/${name}`, bytes]));
  return new Blob([...zipParts(named)], { type: 'application/zip' });
}

export interface ExportWholeOptions {
  readonly spec: SwarmSpec;
  readonly base: Pick<ExportBase, 'files'>;
  /** The checkpoint of a model that was trained in blocks. */
  readonly bytes: Uint8Array;
  /** Its root. */
  readonly root: Hex;
}

/**
 * A model that was trained in blocks as a folder in a ZIP archive, with its card: all weights with
 * configuration and tokenizer, or PEFT's two files of adapters. Throws what reading the base throws, and what
 * reading the checkpoint throws.
 */
export async function exportWhole(options: ExportWholeOptions): Promise<Blob> {
  const { spec, root } = options;
  const { files, steps } = spec.trained.kind === 'full' ? await trainedWhole(options) : adaptersOf(options);
  const card = blocksCard({ spec, root, steps, files: [...files.keys()] });
  files.set('README.md', new TextEncoder().encode(card));
  const folder = folderName(spec.name);
  const named = new Map([...files].map(([name, content]) => [`${folder}/${name}`, content]));
  return new Blob([...zipParts(named)], { type: 'application/zip' });
}

async function trainedWhole({ base, bytes }: ExportWholeOptions) {
  const checkpoint = decodeCheckpoint(bytes);
  const files = new Map<string, Uint8Array>();
  for (const { name, bytes: content } of await base.files()) {
    files.set(name, name === 'config.json' ? inFloat32(content) : content);
  }
  files.set('model.safetensors', wholeWeights(checkpoint));
  return { files, steps: checkpoint.state.step };
}

function adaptersOf({ spec, bytes }: ExportWholeOptions) {
  const { config, lora, state } = decodeAdapters(bytes);
  const peft = peftFiles({ config, lora, adapters: state.adapters, base: spec.base.name });
  return { files: new Map<string, Uint8Array>(Object.entries(peft)), steps: state.step };
}

function wholeWeights({ config, state }: Pick<Checkpoint, 'config' | 'state'>): Uint8Array {
  const tensors = new Map(
    parameterSpecs(config).map(({ name, shape }) => [
      name,
      float32Tensor(shape, tensorNamed(state.parameters, name)),
    ]),
  );
  return serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) });
}

/** The model as an ONNX file. Throws Error for adapters, whose base is not at hand. */
export function exportOnnx(file: Uint8Array): Blob {
  const checkpoint = readCheckpoint(file);
  if (checkpoint.kind === 'adapters') {
    throw new Error(
      'Adapters become ONNX together with their base: npm run export -- --model DIR --adapter DIR.',
    );
  }
  const { config, state } = checkpoint;
  const parts = exportDecoder({ config, parameters: state.parameters, arithmetic: 'f32' });
  return new Blob(
    parts.map((part) => new Uint8Array(part)),
    { type: 'application/octet-stream' },
  );
}

/** A name for files and folders: `Twenty sums!` becomes `twenty-sums`. */
export function folderName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 48);
  return plain === '' ? 'model' : plain;
}

/** The configuration of the base, for weights that are stored as they were trained. */
function inFloat32(config: Uint8Array): Uint8Array {
  const json = { ...JSON.parse(new TextDecoder().decode(config)), torch_dtype: 'float32' };
  return new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`);
}
