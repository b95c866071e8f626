import { must } from '../../../protocol/must.ts';
import { type DecoderConfig, parameterSpecs } from '../config.ts';
import type { NamedTensors } from '../state.ts';
import { checkRange, toBfloat16, type WeightSource } from '../weights.ts';
import { adapterNames, LoraError, type LoraOptions, loraScale, projectionOf } from './adapters.ts';

/**
 * The weights with the adapters merged in: W + (alpha / rank) B A. Sums run in f64 in order of the rank and
 * are rounded to f32 once, so every machine gets the same weights. The merged model computes nearly, but not
 * bit for bit, what the adapted model computes. Its methods throw LoraError when an adapter is missing.
 */
export function mergedWeights(
  config: DecoderConfig,
  base: WeightSource,
  lora: LoraOptions,
  adapters: NamedTensors,
): WeightSource {
  const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  const isTargeted = (name: string): boolean => {
    const projection = projectionOf(name);
    return projection !== undefined && lora.targets.includes(projection);
  };
  const float32 = async (name: string, signal?: AbortSignal): Promise<Float32Array> => {
    const weights = await base.float32(name, signal);
    const shape = shapes.get(name);
    if (shape === undefined || !isTargeted(name)) return weights;
    const names = adapterNames(name);
    const a = adapters.get(names.a);
    const b = adapters.get(names.b);
    if (a === undefined || b === undefined) throw new LoraError(`${name} has no adapter; give a whole set`);
    const [out, width] = [must(shape, 0), must(shape, 1)];
    const scale = loraScale(lora);
    const row = new Float64Array(width);
    for (let o = 0; o < out; o++) {
      row.fill(0);
      for (let r = 0; r < lora.rank; r++) {
        const factor = scale * must(b, o * lora.rank + r);
        for (let i = 0; i < width; i++) row[i]! += factor * must(a, r * width + i);
      }
      for (let i = 0; i < width; i++) weights[o * width + i]! += row[i]!;
    }
    return weights;
  };
  return {
    float32,
    async bfloat16(name, signal, range) {
      if (!isTargeted(name)) return base.bfloat16(name, signal, range);
      const values = await float32(name, signal);
      if (range !== undefined) checkRange(name, range, values.length);
      return toBfloat16(values.subarray(range?.begin, range?.end));
    },
  };
}
