/** Reads the tensors of a model's safetensors files, one at a time and in pieces. */

import { elementCount } from '../../compute/repops/program.ts';
import type { FilePart } from '../../protocol/file-part.ts';
import {
  halfToNumber,
  type SafetensorsDType,
  type SafetensorsLimits,
  type TensorEntry,
} from '../checkpoint/safetensors.ts';
import { type ByteReader, readPieces, readSafetensorsHeader } from '../checkpoint/safetensors-reader.ts';
import { type DecoderConfig, parameterSpecs } from '../decoder/config.ts';
import { bfloat16Of, checkRange, type ElementRange, type WeightSource } from '../decoder/weights.ts';
import { checkContent, ModelLoadError, type ModelSource, readWhole } from './model-source.ts';
import { INDEX_FILE, INDEX_LIMIT, parseWeightsIndex, SINGLE_FILE } from './weights-index.ts';

/** Bytes of a tensor that are read at a time. */
const PIECE_BYTES = 1 << 24;
const READABLE: readonly SafetensorsDType[] = ['F32', 'BF16', 'F16'];

interface Located {
  /** Name of the file. */
  readonly name: string;
  readonly file: ByteReader;
  readonly entry: TensorEntry;
}

export interface WeightFiles extends WeightSource {
  /** Where a parameter lies, or a range of its elements. Throws ModelLoadError for another name. */
  partOf(name: string, range?: ElementRange): FilePart;
  /** Names of the safetensors files. */
  readonly files: readonly string[];
  /** Bytes of the model's parameters in these files. */
  readonly bytes: number;
  /** The number formats of the parameters, each once. */
  readonly dtypes: readonly SafetensorsDType[];
}

/**
 * Opens the safetensors files of a model, and checks by their headers that they hold exactly its parameters.
 * It ignores a tied model's copy of its head, and the rotary tables of old files. Throws ModelLoadError or
 * SafetensorsError.
 */
export async function openWeights(
  source: ModelSource,
  config: DecoderConfig,
  options: { readonly signal?: AbortSignal; readonly limits?: SafetensorsLimits } = {},
): Promise<WeightFiles> {
  const { signal, limits = {} } = options;
  const located = await locate(source, limits, signal);
  const names = new Set<string>();
  const dtypes = new Set<SafetensorsDType>();
  let bytes = 0;
  for (const { name, shape } of parameterSpecs(config)) {
    names.add(name);
    const found = located.tensors.get(name)?.entry;
    if (found === undefined) {
      throw new ModelLoadError(`${name} is missing from ${source.description}; use files of one model`);
    }
    if (!READABLE.includes(found.dtype)) {
      throw new ModelLoadError(`${name} is ${found.dtype}; use a model in F32, BF16 or F16`);
    }
    if (found.shape.length !== shape.length || found.shape.some((size, i) => size !== shape[i])) {
      throw new ModelLoadError(
        `${name} has shape [${found.shape}], config.json makes it [${shape}]; use files of one model`,
      );
    }
    dtypes.add(found.dtype);
    bytes += found.end - found.begin;
  }
  for (const name of located.tensors.keys()) {
    if (names.has(name) || name.endsWith('.rotary_emb.inv_freq')) continue;
    if (config.tiedEmbedding && name === 'lm_head.weight') continue;
    throw new ModelLoadError(
      `${name.slice(0, 100)} is not a parameter of this model; use files of one model`,
    );
  }
  const get = (name: string): Located => {
    const tensor = names.has(name) ? located.tensors.get(name) : undefined;
    if (tensor === undefined) throw new ModelLoadError(`${name} is not a parameter of this model`);
    return tensor;
  };
  return {
    files: located.files,
    bytes,
    dtypes: [...dtypes],
    partOf(name, range) {
      const tensor = get(name);
      return { name: tensor.name, ...bytesOf(tensor.entry, range) };
    },
    async float32(name, stop) {
      const tensor = get(name);
      const words = new Uint32Array(elementCount(tensor.entry.shape));
      for await (const { at, piece } of pieces(name, tensor, stop)) words.set(widen(piece), at);
      return new Float32Array(words.buffer);
    },
    async bfloat16(name, stop, range) {
      const tensor = get(name);
      const length = elementCount(tensor.entry.shape);
      if (range !== undefined) checkRange(name, range, length);
      const words = new Uint16Array(range === undefined ? length : range.end - range.begin);
      for await (const { at, piece } of pieces(name, tensor, stop, range)) {
        words.set(piece.dtype === 'BF16' ? piece.words : widen(piece).map(bfloat16Of), at);
      }
      return words;
    },
  };
}

async function locate(source: ModelSource, limits: SafetensorsLimits, signal: AbortSignal | undefined) {
  // A whole file counts before an index, as in transformers: the index may be left over from shards.
  const single = await source.open(SINGLE_FILE, signal);
  const index = single === undefined ? await source.open(INDEX_FILE, signal) : undefined;
  const byTensor =
    index === undefined
      ? undefined
      : parseWeightsIndex(await readWhole(source, INDEX_FILE, INDEX_LIMIT, signal));
  const files = byTensor === undefined ? [SINGLE_FILE] : [...new Set(byTensor.values())].sort();
  const tensors = new Map<string, Located>();
  for (const name of files) {
    const file = await source.open(name, signal);
    if (file === undefined) {
      throw new ModelLoadError(
        `${name} is missing from ${source.description}; choose a folder with a whole model`,
      );
    }
    await checkContent(name, file, signal);
    const header = await readSafetensorsHeader(file, limits, signal);
    for (const [tensor, entry] of header.tensors) {
      // A tensor in two shards, or in another shard than in the index, has two meanings.
      if (tensors.has(tensor) || (byTensor !== undefined && byTensor.get(tensor) !== name)) {
        throw new ModelLoadError(
          `${name} has ${tensor.slice(0, 100)}, which ${INDEX_FILE} puts elsewhere; fetch the model again`,
        );
      }
      tensors.set(tensor, { name, file, entry });
    }
  }
  const lost = [...(byTensor?.keys() ?? [])].find((tensor) => !tensors.has(tensor));
  if (lost !== undefined) {
    throw new ModelLoadError(`${lost.slice(0, 100)} is not in ${byTensor?.get(lost)}; fetch the model again`);
  }
  return { tensors, files };
}

type Piece =
  | { readonly dtype: 'F32'; readonly words: Uint32Array }
  | { readonly dtype: 'BF16' | 'F16'; readonly words: Uint16Array };

/**
 * The pieces of a tensor in order, or of a range of it. `at` is the index of a piece's first element, counted
 * from the first that is read. Throws ModelLoadError on NaN.
 */
async function* pieces(
  name: string,
  { file, entry }: Located,
  signal: AbortSignal | undefined,
  range?: ElementRange,
): AsyncGenerator<{ readonly at: number; readonly piece: Piece }> {
  let at = 0;
  const first = range?.begin ?? 0;
  for await (const bytes of readPieces(file, bytesOf(entry, range), PIECE_BYTES, signal)) {
    const piece = pieceOf(name, entry.dtype, bytes);
    const bad = firstNaN(piece);
    if (bad >= 0) throw new ModelLoadError(`${name} is NaN at element ${first + at + bad}; use another file`);
    yield { at, piece };
    at += piece.words.length;
  }
}

/** Where a tensor's elements lie in its file. */
function bytesOf({ begin, end, shape }: TensorEntry, range?: ElementRange) {
  if (range === undefined) return { begin, end };
  const size = (end - begin) / elementCount(shape);
  return { begin: begin + range.begin * size, end: begin + range.end * size };
}

/**
 * Index of the first NaN, or -1. It is a plain loop, since a callback for a billion elements takes seconds.
 */
function firstNaN({ dtype, words }: Piece): number {
  const infinity = { F32: 0x7f800000, BF16: 0x7f80, F16: 0x7c00 }[dtype];
  const magnitude = dtype === 'F32' ? 0x7fffffff : 0x7fff;
  for (let i = 0; i < words.length; i++) if ((words[i]! & magnitude) > infinity) return i;
  return -1;
}

function pieceOf(name: string, dtype: SafetensorsDType, bytes: Uint8Array<ArrayBuffer>): Piece {
  switch (dtype) {
    case 'F32':
      return { dtype, words: new Uint32Array(bytes.buffer) };
    case 'BF16':
    case 'F16':
      return { dtype, words: new Uint16Array(bytes.buffer) };
    default:
      throw new ModelLoadError(`${name} is ${dtype}; use a model in F32, BF16 or F16`);
  }
}

/** The bits of each element as f32. */
function widen(piece: Piece): Uint32Array {
  switch (piece.dtype) {
    case 'F32':
      return piece.words;
    case 'BF16':
      return Uint32Array.from(piece.words, (word) => word << 16);
    case 'F16':
      return new Uint32Array(Float32Array.from(piece.words, halfToNumber).buffer);
  }
}
