/** Lays prompts and completions out as the rows of a batch. */
import type { TrainingBatch } from '../models/decoder/session.ts';

export interface Row {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
}

/** Per completion token: what its place in a batch holds. */
export interface Filled<T extends Row> {
  readonly row: T;
  /** Position in the completion. */
  readonly position: number;
}

/** Rows and lengths are rounded up to multiples of this, so that few programs serve all rounds. */
const GRAIN = 8;

function roundUp(count: number): number {
  return Math.ceil(count / GRAIN) * GRAIN;
}

export interface LaidOut<T extends Row> {
  readonly batch: number;
  readonly length: number;
  readonly tokens: Uint32Array;
  readonly targets: Uint32Array;
  /** An array of batch * length with `value` at each place that predicts a completion token, 0 elsewhere. */
  perToken(value: (filled: Filled<T>) => number): Float32Array;
}

/**
 * Rows of equal length, padded at the end with token 0. The place before each completion token has that token as
 * its target; a place with weight 0 changes no gradient, so that padding changes no bit.
 */
export function layOut<T extends Row>(rows: readonly T[]): LaidOut<T> {
  const batch = roundUp(rows.length);
  const length = roundUp(Math.max(...rows.map((row) => row.prompt.length + row.completion.length - 1)));
  const tokens = new Uint32Array(batch * length);
  const targets = new Uint32Array(batch * length);
  rows.forEach((row, index) => {
    const sequence = [...row.prompt, ...row.completion];
    tokens.set(sequence.slice(0, -1), index * length);
    targets.set(sequence.slice(1), index * length);
  });
  return {
    batch,
    length,
    tokens,
    targets,
    perToken(value) {
      const values = new Float32Array(batch * length);
      rows.forEach((row, index) => {
        const start = index * length + row.prompt.length - 1;
        for (let position = 0; position < row.completion.length; position++) {
          values[start + position] = value({ row, position });
        }
      });
      return values;
    },
  };
}

/** The number of completion tokens in all rows. */
export function completionTokens(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + row.completion.length, 0);
}

/** A supervised step: the mean log-probability of all completion tokens is raised. */
export function supervisedBatch(rows: readonly Row[], learningRate: number): TrainingBatch {
  const laid = layOut(rows);
  const weight = 1 / completionTokens(rows);
  return {
    batch: laid.batch,
    length: laid.length,
    tokens: laid.tokens,
    targets: laid.targets,
    weights: laid.perToken(() => weight),
    learningRate,
  };
}

export interface PolicyRow extends Row {
  /** Of each completion token. */
  readonly advantages: readonly number[];
  /** Log-probability of each completion token under the weights that sampled it. */
  readonly oldLogprobs: readonly number[];
}

/**
 * A step of the clipped policy objective. Every token weighs the same whatever its row's length (DAPO, arXiv 2503.14476).
 */
export function policyBatch(rows: readonly PolicyRow[], learningRate: number): TrainingBatch {
  const laid = layOut(rows);
  const weight = 1 / completionTokens(rows);
  return {
    batch: laid.batch,
    length: laid.length,
    tokens: laid.tokens,
    targets: laid.targets,
    weights: laid.perToken(() => weight),
    learningRate,
    policy: {
      advantages: laid.perToken(({ row, position }) => row.advantages[position] ?? 0),
      oldLogprobs: laid.perToken(({ row, position }) => row.oldLogprobs[position] ?? 0),
    },
  };
}
