/** Which of a model's matrices get a prepacked copy, within a limit of memory. */
import { prepackedBytes } from '../../compute/engines/prepacking.ts';
import { must } from '../../protocol/must.ts';
import { type DecoderConfig, type ParameterSpec, parameterSpecs } from './config.ts';
import { headName } from './forward.ts';

export interface PrepackedMatrices {
  readonly specs: readonly ParameterSpec[];
  /** Bytes of all their copies, of 64 bytes at least each, as on the engines. */
  readonly bytes: number;
}

/**
 * The matrices that products of the forward pass read, in the order of the layers, for as long as their
 * copies fit in `limit` bytes together. A byte of any copy saves as much time as a byte of another.
 */
export function matricesToPrepack(config: DecoderConfig, limit: number): PrepackedMatrices {
  const specs: ParameterSpec[] = [];
  let bytes = 0;
  for (const spec of parameterSpecs(config)) {
    // An embedding that is not the head as well is only looked up.
    if (spec.shape.length !== 2 || (isEmbedding(spec) && spec.name !== headName(config))) continue;
    const size = Math.ceil(prepackedBytes(must(spec.shape, 0), must(spec.shape, 1)) / 64) * 64;
    if (bytes + size > limit) continue;
    specs.push(spec);
    bytes += size;
  }
  return { specs, bytes };
}

function isEmbedding({ name }: ParameterSpec): boolean {
  return name === 'model.embed_tokens.weight';
}
