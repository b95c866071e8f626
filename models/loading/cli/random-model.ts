/**
 * Writes a model of any shape with random bf16 weights as Hugging Face files in shards, for tests of real
 * sizes.
 */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elementCount } from '../../../compute/repops/program.ts';
import { philox4x32 } from '../../../protocol/philox.ts';
import { configJson, type DecoderConfig, parameterSpecs } from '../../decoder/config.ts';
import { bfloat16Of } from '../../decoder/weights.ts';
import { INDEX_FILE } from '../weights-index.ts';

export interface RandomModelOptions {
  readonly path: string;
  readonly config: DecoderConfig;
  /** 32 bits. Equal seeds give equal files. */
  readonly seed: number;
  readonly endToken: number;
  readonly tokenizer: Uint8Array;
  readonly tokenizerSettings?: Uint8Array;
  /** Bytes of tensors per shard. Defaults to 512 MiB. */
  readonly shardBytes?: number;
}

/** Elements drawn at a time. */
const PIECE = 1 << 20;

/**
 * Writes config.json, tokenizer files, bf16 shards and their index. Gains are 1. Biases and matrices are
 * uniform with a standard deviation of 0.02. It holds one piece of a tensor at a time.
 */
export async function writeRandomModel(options: RandomModelOptions): Promise<void> {
  const { path, config, seed, shardBytes = 1 << 29 } = options;
  await mkdir(path, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await writeFile(
    join(path, 'config.json'),
    json({ ...configJson(config), eos_token_id: options.endToken, torch_dtype: 'bfloat16' }),
  );
  await writeFile(join(path, 'tokenizer.json'), options.tokenizer);
  if (options.tokenizerSettings !== undefined) {
    await writeFile(join(path, 'tokenizer_config.json'), options.tokenizerSettings);
  }
  const shards: { name: string; shape: readonly number[]; tensor: number }[][] = [[]];
  let bytes = 0;
  for (const [tensor, { name, shape }] of parameterSpecs(config).entries()) {
    if (bytes > 0 && bytes + 2 * elementCount(shape) > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)?.push({ name, shape, tensor });
    bytes += 2 * elementCount(shape);
  }
  const map: Record<string, string> = {};
  const padded = (n: number) => String(n).padStart(5, '0');
  for (const [index, shard] of shards.entries()) {
    const file = `model-${padded(index + 1)}-of-${padded(shards.length)}.safetensors`;
    for (const { name } of shard) map[name] = file;
    await writeShard(join(path, file), shard, seed);
  }
  const total = parameterSpecs(config).reduce((sum, { shape }) => sum + 2 * elementCount(shape), 0);
  await writeFile(join(path, INDEX_FILE), json({ metadata: { total_size: total }, weight_map: map }));
}

async function writeShard(
  path: string,
  shard: readonly { readonly name: string; readonly shape: readonly number[]; readonly tensor: number }[],
  seed: number,
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const { name, shape } of shard) {
    const end = at + 2 * elementCount(shape);
    header[name] = { dtype: 'BF16', shape, data_offsets: [at, end] };
    at = end;
  }
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
  const file = await open(path, 'w');
  try {
    await file.writev([prefix, json]);
    for (const { name, shape, tensor } of shard) {
      const count = elementCount(shape);
      for (let first = 0; first < count; first += PIECE) {
        const words = drawPiece({ name, seed, tensor, first, count: Math.min(PIECE, count - first) });
        await file.write(new Uint8Array(words.buffer));
      }
    }
  } finally {
    await file.close();
  }
}

function drawPiece(o: {
  readonly name: string;
  readonly seed: number;
  readonly tensor: number;
  readonly first: number;
  readonly count: number;
}): Uint16Array<ArrayBuffer> {
  const words = new Uint16Array(o.count);
  if (o.name.endsWith('norm.weight')) return words.fill(0x3f80);
  const scratch = new Float32Array(1);
  const bits = new Uint32Array(scratch.buffer);
  // A uniform of width w has standard deviation w / sqrt(12).
  const scale = (0.02 * Math.sqrt(12)) / 65536;
  for (let i = 0; i < o.count; i += 8) {
    const block = philox4x32([(o.first + i) / 8, o.tensor, 0, 0], [o.seed, 0]);
    for (let part = 0; part < 8 && i + part < o.count; part++) {
      const half = ((block[part >> 1] ?? 0) >>> (16 * (part & 1))) & 0xffff;
      scratch[0] = (half - 32767.5) * scale;
      words[i + part] = bfloat16Of(bits[0] ?? 0);
    }
  }
  return words;
}
