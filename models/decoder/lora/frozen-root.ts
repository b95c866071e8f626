import { elementCount } from '../../../compute/repops/program.ts';
import { type Hex, toHex } from '../../../protocol/hex.ts';
import { leafHash, merkleRoot } from '../../../protocol/merkle.ts';
import {
  type KnownRoots,
  metadataLeafData,
  tensorLeafData,
  tensorRootOfPieces,
} from '../../checkpoint/root.ts';
import { compareNames, type StoredTensor } from '../../checkpoint/safetensors.ts';
import { configJson, type DecoderConfig, parameterSpecs } from '../config.ts';
import { parameterDType } from '../forward.ts';
import type { WeightSource } from '../weights.ts';

/** Elements of a matrix that are in memory at a time: 16 MiB. */
const PIECE_ELEMENTS = 1 << 23;

/**
 * The root of frozen weights in the types of the computation: a checkpoint root (docs/checkpoint.md) over
 * matrices as BF16, vectors as F32, and only `config` as metadata. It reads one tensor at a time, matrices in
 * pieces: a device that holds a part of a table need not have memory for the whole of it. It does not
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
    if (half) {
      const root =
        options.known?.get(name) ??
        (await tensorRootOfPieces(piecesOf(weights, name, elementCount(shape), options.signal)));
      const tensor: StoredTensor = { dtype: 'BF16', shape, data: new Uint8Array() };
      leaves.push(leafHash(tensorLeafData(name, tensor, root)));
      continue;
    }
    const values = await weights.float32(name, options.signal);
    const tensor: StoredTensor = { dtype: 'F32', shape, data: bytesOf(values) };
    leaves.push(leafHash(tensorLeafData(name, tensor)));
  }
  const metadata = new Map([['config', JSON.stringify(configJson(config))]]);
  leaves.push(leafHash(metadataLeafData(metadata)));
  return toHex(merkleRoot(leaves));
}

async function* piecesOf(
  weights: WeightSource,
  name: string,
  elements: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let begin = 0; begin < elements; begin += PIECE_ELEMENTS) {
    signal?.throwIfAborted();
    const end = Math.min(elements, begin + PIECE_ELEMENTS);
    yield bytesOf(await weights.bfloat16(name, signal, { begin, end }));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
