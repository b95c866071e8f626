/** Collates prompts and completions into the rows of a batch. */
import type { TrainingBatch } from '../models/decoder/model-session.ts';
import { must } from '../protocol/must.ts';

export interface Row {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
}

/** One completion token of a batch. */
export interface CompletionToken<T extends Row> {
  readonly row: T;
  /** Position in the completion. */
  readonly position: number;
}

/** Batch sizes above it and lengths are multiples of this, so that few programs serve all rounds. */
const SIZE_MULTIPLE = 8;

function roundUp(count: number): number {
  return Math.ceil(count / SIZE_MULTIPLE) * SIZE_MULTIPLE;
}

/** A power of two or a multiple of 8: a few long rows of a real model are not padded to eight. */
function batchOf(rows: number): number {
  return rows < SIZE_MULTIPLE ? 2 ** Math.ceil(Math.log2(rows)) : roundUp(rows);
}

/** The most rows, padding included, of which there may be at most `limit`; at least one. */
export function rowsTogether(limit: number): number {
  if (limit < 1) return 1;
  if (limit < SIZE_MULTIPLE) return 2 ** Math.floor(Math.log2(limit));
  return Math.floor(limit / SIZE_MULTIPLE) * SIZE_MULTIPLE;
}

export interface CollatedRows<T extends Row> {
  readonly batch: number;
  readonly length: number;
  readonly tokens: Uint32Array;
  readonly targets: Uint32Array;
  /** [batch * length]: `value` at each place that predicts a completion token, 0 elsewhere. */
  perToken(value: (token: CompletionToken<T>) => number): Float32Array;
}

export interface BatchSize {
  readonly batch: number;
  readonly length: number;
}

/** The places that a row takes in a batch. */
export function rowLength({ prompt, completion }: Row): number {
  return prompt.length + completion.length - 1;
}

/**
 * Pads the rows at the end to equal length with token 0. The place before each completion token has that
 * token as its target. A place with weight 0 changes no gradient, so padding changes no bit. `size` must
 * hold the rows. It defaults to the smallest of few sizes that does.
 */
export function collate<T extends Row>(rows: readonly T[], size?: BatchSize): CollatedRows<T> {
  const { batch, length } = size ?? {
    batch: batchOf(rows.length),
    length: roundUp(Math.max(...rows.map(rowLength))),
  };
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
function completionTokens(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + row.completion.length, 0);
}

/** The batch of a supervised step, which raises the mean log-probability of all completion tokens. */
export function supervisedBatch(rows: readonly Row[], learningRate: number): TrainingBatch {
  const collated = collate(rows);
  const weight = 1 / completionTokens(rows);
  return {
    batch: collated.batch,
    length: collated.length,
    tokens: collated.tokens,
    targets: collated.targets,
    weights: collated.perToken(() => weight),
    learningRate,
  };
}

export interface PolicyRow extends Row {
  /** Advantage of each completion token. */
  readonly advantages: readonly number[];
  /** Log-probability of each completion token under the weights that sampled it. */
  readonly oldLogprobs: readonly number[];
}

/**
 * The batch of a step with the clipped policy objective. Every token weighs the same, whatever the length of
 * its row (DAPO, arXiv 2503.14476).
 */
export function policyBatch(rows: readonly PolicyRow[], learningRate: number): TrainingBatch {
  const collated = collate(rows);
  const weight = 1 / completionTokens(rows);
  return {
    batch: collated.batch,
    length: collated.length,
    tokens: collated.tokens,
    targets: collated.targets,
    weights: collated.perToken(() => weight),
    learningRate,
    policy: {
      advantages: collated.perToken(({ row, position }) => must(row.advantages, position)),
      oldLogprobs: collated.perToken(({ row, position }) => must(row.oldLogprobs, position)),
    },
  };
}
