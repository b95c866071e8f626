/**
 * The source of a session's frozen weights. It gives one tensor at a time, so that a model is never in memory
 * twice.
 */
import { ModelStateError, type NamedTensors } from './state.ts';

/** Elements of a tensor, in the order of its storage: from `begin` on, to `end` exclusive. */
export interface ElementRange {
  readonly begin: number;
  readonly end: number;
}

export interface WeightSource {
  /** The named parameter as f32, in its own buffer. Rejects when it is missing or has NaN. */
  float32(name: string, signal?: AbortSignal): Promise<Float32Array>;
  /**
   * The named parameter rounded to bf16 (nearest even): the upper halves of f32 bits. `range` defaults to all
   * of its elements; others are not read. Rejects with RangeError for a range that it does not have.
   */
  bfloat16(name: string, signal?: AbortSignal, range?: ElementRange): Promise<Uint16Array>;
}

/**
 * The upper half of an f32's bits after rounding to nearest even. Infinities stay infinities, and NaN stays
 * NaN.
 */
export function bfloat16Of(bits: number): number {
  if ((bits & 0x7f800000) === 0x7f800000) {
    // A set fraction bit keeps a NaN from becoming an infinity.
    return (bits >>> 16) | ((bits & 0x007fffff) !== 0 ? 1 : 0);
  }
  return ((bits >>> 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** `values` rounded to bf16. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, bfloat16Of);
}

/** Throws RangeError for a range that is not within a tensor of `length` elements. */
export function checkRange(name: string, { begin, end }: ElementRange, length: number): void {
  const isWithin = Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin < end;
  if (isWithin && end <= length) return;
  throw new RangeError(`${name} has ${length} elements, and no range ${begin} to ${end}.`);
}

/** The weights of a model in memory. */
export function memoryWeights(parameters: NamedTensors): WeightSource {
  const get = (name: string): Float32Array => {
    const values = parameters.get(name);
    if (values === undefined) throw new ModelStateError(`${name} is missing; the file is for another model`);
    if (values.some(Number.isNaN)) throw new ModelStateError(`${name} has NaN; use another file`);
    return values;
  };
  return {
    float32: async (name) => get(name).slice(),
    async bfloat16(name, _, range) {
      const values = get(name);
      if (range === undefined) return toBfloat16(values);
      checkRange(name, range, values.length);
      return toBfloat16(values.subarray(range.begin, range.end));
    },
  };
}
