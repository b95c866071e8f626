/**
 * A checkpoint as files for other programs. In a chunk of its own, since it brings the model's code along.
 */

import { float32Tensor, serializeSafetensors } from '../../models/checkpoint/safetensors.ts';
import { parameterSpecs } from '../../models/decoder/config.ts';
import { peftFiles } from '../../models/decoder/lora/peft.ts';
import { tensorNamed } from '../../models/decoder/state.ts';
import { exportDecoder } from '../../models/onnx/export-decoder.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';
import { readCheckpoint } from '../../training/learning-checkpoint.ts';
import { zipParts } from '../ui/zip.ts';
import { type CardFacts, modelCard } from './model-card-text.ts';

export interface ExportOptions extends Omit<CardFacts, 'files'> {
  readonly checkpoint: Uint8Array;
  /** Where the page lies; the base model is beside it. */
  readonly page: string;
  /** Defaults to the global fetch. */
  readonly fetcher?: typeof fetch;
}

/**
 * The trained model as a folder in a ZIP archive, with its card: merged weights with configuration and
 * tokenizer, or PEFT's two files of adapters. The weights are those of the checkpoint, bit by bit.
 */
export async function exportFolder(options: ExportOptions): Promise<Blob> {
  const { spec, checkpoint: file } = options;
  const checkpoint = readCheckpoint(file);
  const files = new Map<string, Uint8Array>();
  if (checkpoint.kind === 'adapters') {
    const { config, lora, state } = checkpoint;
    const peft = peftFiles({ config, lora, adapters: state.adapters, base: spec.base.name });
    for (const [name, bytes] of Object.entries(peft)) files.set(name, bytes);
  } else {
    const { config, state } = checkpoint;
    const base = await baseFiles(options);
    files.set('config.json', inFloat32(base.config));
    files.set('tokenizer.json', base.tokenizer);
    const tensors = new Map(
      parameterSpecs(config).map(({ name, shape }) => [
        name,
        float32Tensor(shape, tensorNamed(state.parameters, name)),
      ]),
    );
    files.set('model.safetensors', serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) }));
  }
  const card = modelCard({ ...options, files: [...files.keys()] });
  files.set('README.md', new TextEncoder().encode(card));
  const folder = folderName(spec.name);
  const named = new Map([...files].map(([name, bytes]) => [`${folder}/${name}`, bytes]));
  return new Blob([...zipParts(named)], { type: 'application/zip' });
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

async function baseFiles({ spec, page, fetcher = fetch }: ExportOptions) {
  const model = builtinModelOf(spec.base.root);
  if (model === undefined) {
    throw new Error(`${spec.base.name} does not come with this page, so its tokenizer is not at hand here.`);
  }
  const read = async (name: string) => {
    const response = await fetcher(new URL(`${model.folder}${name}`, page));
    if (!response.ok)
      throw new Error(`The page’s server has no ${name} of ${spec.base.name}. Try again later.`);
    return new Uint8Array(await response.arrayBuffer());
  };
  const [config, tokenizer] = await Promise.all([read('config.json'), read('tokenizer.json')]);
  return { config, tokenizer };
}

/** The configuration of the base, for weights that are stored as they were trained. */
function inFloat32(config: Uint8Array): Uint8Array {
  const json = { ...JSON.parse(new TextDecoder().decode(config)), torch_dtype: 'float32' };
  return new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`);
}
