/** Checks the inputs of a session, because engines do not define the effect of an index out of range. */
import { canon } from '../../compute/repops/arithmetic.ts';
import { must } from '../../protocol/must.ts';
import type { DecoderConfig } from './config.ts';
import type { BatchShape } from './decoder.ts';

/** A session's input is out of range. The message tells the remedy. */
export class ModelInputError extends Error {
  override readonly name = 'ModelInputError';
}

/** Rows of `length` tokens, row-major: position i of row b is element b * length + i. */
export interface SequenceBatch extends BatchShape {
  readonly tokens: ArrayLike<number>;
  /** The token that should follow each token, or any valid id where it does not matter. */
  readonly targets: ArrayLike<number>;
}

/** Throws ModelInputError unless every id is in the model's vocabulary. */
export function checkIds(config: DecoderConfig, ids: ArrayLike<number>, what: string): void {
  for (let i = 0; i < ids.length; i++) {
    const id = must(ids, i);
    if (!Number.isInteger(id) || id < 0 || id >= config.vocabulary) {
      throw new ModelInputError(
        `${what}: ${id} at ${i} is not a token id below ${config.vocabulary}; use the model's tokenizer`,
      );
    }
  }
}

/** Throws ModelInputError unless the batch fits the model. */
export function checkBatch(config: DecoderConfig, batch: SequenceBatch): void {
  const { batch: rows, length } = batch;
  if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(length) || length < 1) {
    throw new ModelInputError(`batch and length must be positive integers, got ${rows} and ${length}`);
  }
  if (length > config.context) {
    throw new ModelInputError(`sequences of ${length} exceed the model's context of ${config.context}`);
  }
  for (const name of ['tokens', 'targets'] as const) {
    const ids = batch[name];
    if (ids.length !== rows * length) {
      throw new ModelInputError(`${name} must hold batch x length = ${rows * length} ids, got ${ids.length}`);
    }
    checkIds(config, ids, name);
  }
}

/** Checks that there are `count` finite values, and returns them as canonical f32. Throws ModelInputError. */
export function perToken(values: ArrayLike<number>, count: number, what: string): Float32Array {
  if (values.length !== count) {
    throw new ModelInputError(`${what} must hold ${count} values, got ${values.length}`);
  }
  return Float32Array.from(values, (value, i) => {
    if (!Number.isFinite(value)) throw new ModelInputError(`${what} is ${value} at ${i}; it must be finite`);
    return canon(value);
  });
}

/** A draw in [0, 1) as canonical f32. Throws ModelInputError for another value. */
export function uniformValue(value: number): number {
  if (!(value >= 0 && value < 1)) {
    throw new ModelInputError(`uniform must give a number in [0, 1), got ${value}`);
  }
  return canon(value);
}
