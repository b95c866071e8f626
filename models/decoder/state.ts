import { canon } from '../../compute/repops/arithmetic.ts';
import { elementCount } from '../../compute/repops/program.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';

/** Tensors by parameter name, canonical f32. A Map, because names may come from a file. */
export type NamedTensors = ReadonlyMap<string, Float32Array>;

/** All that training changes: the contents of a checkpoint besides its metadata. */
export interface ModelState {
  readonly parameters: NamedTensors;
  /** AdamW's first moments. */
  readonly m: NamedTensors;
  /** AdamW's second moments. */
  readonly v: NamedTensors;
  /** Optimizer steps taken. */
  readonly step: number;
}

/** Tensors do not fit a model, or a session cannot be used in its state. The message tells the remedy. */
export class ModelStateError extends Error {
  override readonly name = 'ModelStateError';
}

/** A tensor by name. Throws ModelStateError when it is missing. */
export function tensorNamed(tensors: NamedTensors, name: string): Float32Array {
  const found = tensors.get(name);
  if (found === undefined) throw new ModelStateError(`${name} is missing; the file is for another model`);
  return found;
}

/** A canonical copy of `values`. Throws ModelStateError on NaN, which has no canonical value. */
export function canonicalCopy(values: ArrayLike<number>, what: string): Float32Array {
  return Float32Array.from(values, (value, i) => {
    if (Number.isNaN(value)) throw new ModelStateError(`${what} is NaN at element ${i}; use another file`);
    return canon(value);
  });
}

/**
 * Throws ModelStateError unless `tensors` has exactly the parameters of `config` with their element counts.
 */
export function checkTensors(config: DecoderConfig, tensors: NamedTensors, what: string): void {
  const specs = parameterSpecs(config);
  for (const { name, shape } of specs) {
    const found = tensors.get(name);
    if (found === undefined) {
      throw new ModelStateError(`${what}: ${name} is missing; the file is for another model`);
    }
    if (found.length !== elementCount(shape)) {
      throw new ModelStateError(
        `${what}: ${name} has ${found.length} elements, config.json makes it [${shape}]`,
      );
    }
  }
  if (tensors.size !== specs.length) {
    const known = new Set(specs.map(({ name }) => name));
    const extra = [...tensors.keys()].find((name) => !known.has(name));
    throw new ModelStateError(`${what}: ${extra} is not a parameter of this model`);
  }
}

/** Zero moments for `config`, at step 0. */
export function freshState(config: DecoderConfig, parameters: NamedTensors): ModelState {
  const zeros = () =>
    new Map(parameterSpecs(config).map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]));
  return { parameters, m: zeros(), v: zeros(), step: 0 };
}
