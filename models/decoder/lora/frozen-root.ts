import { type Hex, toHex } from '../../../protocol/hex.ts';
import { leafHash, merkleRoot } from '../../../protocol/merkle.ts';
import { type KnownRoots, metadataLeafData, tensorLeafData } from '../../checkpoint/root.ts';
import { compareNames, type StoredTensor } from '../../checkpoint/safetensors.ts';
import { configJson, type DecoderConfig, parameterSpecs } from '../config.ts';
import { parameterDType } from '../forward.ts';
import type { WeightSource } from '../weights.ts';

/**
 * The root of frozen weights in the types of the computation: a checkpoint root (docs/checkpoint.md) over
 * matrices as BF16, vectors as F32, and only `config` as metadata. It reads one tensor at a time. It does not
 * read a matrix with a `known` root, such as one from the session that holds it (`matrixRoots`).
 */
export async function frozenRoot(
  config: DecoderConfig,
  weights: WeightSource,
  options: { readonly signal?: AbortSignal; readonly known?: KnownRoots } = {},
): Promise<Hex> {
  const specs = [...parameterSpecs(config)].sort((a, b) => compareNames(a.name, b.name));
  const leaves: Uint8Array[] = [];
  for (const { name, shape } of specs) {
    options.signal?.throwIfAborted();
    const half = parameterDType({ frozen: true }, shape) === 'bf16';
    const known = half ? options.known?.get(name) : undefined;
    if (known !== undefined) {
      const tensor: StoredTensor = { dtype: 'BF16', shape, data: new Uint8Array() };
      leaves.push(leafHash(tensorLeafData(name, tensor, known)));
      continue;
    }
    const values = half
      ? await weights.bfloat16(name, options.signal)
      : await weights.float32(name, options.signal);
    const tensor: StoredTensor = {
      dtype: half ? 'BF16' : 'F32',
      shape,
      data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    };
    leaves.push(leafHash(tensorLeafData(name, tensor)));
  }
  const metadata = new Map([['config', JSON.stringify(configJson(config))]]);
  leaves.push(leafHash(metadataLeafData(metadata)));
  return toHex(merkleRoot(leaves));
}
