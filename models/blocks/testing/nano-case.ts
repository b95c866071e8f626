/** A built-in model and rows of tokens for it, with which devices and engines are compared. */
import type { Words } from '../../../compute/repops/recipe.ts';
import { must } from '../../../protocol/must.ts';
import { RandomStream } from '../../../protocol/philox.ts';
import type { Checkpoint } from '../../decoder/checkpoint.ts';
import { type DecoderConfig, NANO_CONFIG } from '../../decoder/config.ts';
import { initialParameters } from '../../decoder/initialize.ts';
import { freshState } from '../../decoder/state.ts';
import type { TrainingBatch } from '../../decoder/train-step.ts';
import type { BlockPlan } from '../block-plan.ts';
import type { Microbatches } from '../block-step.ts';
import { idData } from '../vocabulary-hops.ts';

export function nanoStart(config: DecoderConfig = NANO_CONFIG, deviation = 0.02): Checkpoint {
  const stream = new RandomStream([12, 2]);
  const parameters = initialParameters({
    config,
    draw: (tensor, element, part) => stream.word(tensor, element, part),
    deviation,
  });
  return { config, state: freshState(config, parameters), cursor: 0, rngKey: '0x626c6f636b' };
}

/** Qwen2's shape: biases, grouped keys and a tied table. Its 61 tokens make parts of unequal size. */
export const SMALL_QWEN2: DecoderConfig = {
  hiddenSize: 32,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  feedForward: 48,
  vocabulary: 61,
  context: 64,
  ropeTheta: 1_000_000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

/**
 * The rows of a step as one batch. With `apart`, the microbatches share no token: those of microbatch m are
 * congruent to m. Then the embedding's gradient is the same however microbatches are added up.
 */
export function nanoBatch(
  { count, batch, length }: Microbatches,
  step: number,
  o: { readonly config?: DecoderConfig; readonly apart?: boolean; readonly learningRate?: number } = {},
): TrainingBatch {
  const { config = NANO_CONFIG, apart = false, learningRate = 1e-2 } = o;
  const rows = new RandomStream([99, step]);
  const N = batch * length;
  const own = Math.floor(config.vocabulary / count);
  const draw = (row: number, place: number) => {
    const word = rows.word(row, place, 0);
    if (!apart) return word % config.vocabulary;
    return (word % own) * count + Math.floor(row / batch);
  };
  const at = (i: number, ahead: number) => draw(Math.floor(i / length), (i % length) + ahead);
  return {
    batch: count * batch,
    length,
    tokens: Array.from({ length: count * N }, (_, i) => at(i, 0)),
    targets: Array.from({ length: count * N }, (_, i) => at(i, 1)),
    weights: new Float32Array(count * N).fill(1 / (count * N)),
    learningRate,
  };
}

/** The same rows as the data of microbatches. `plan` is needed where it cuts the vocabulary. */
export function microbatchData(
  { count, batch, length }: Microbatches,
  rows: TrainingBatch,
  plan?: BlockPlan,
): ReadonlyMap<string, Words> {
  const N = batch * length;
  const data = new Map<string, Words>();
  for (let m = 0; m < count; m++) {
    const slice = (values: ArrayLike<number>) => Array.from({ length: N }, (_, i) => must(values, m * N + i));
    for (const what of ['tokens', 'targets'] as const) {
      const ids = Uint32Array.from(slice(rows[what]));
      const named = plan === undefined ? new Map([[`${what}.${m}`, ids]]) : idData(plan, what, m, ids);
      for (const [name, words] of named) data.set(name, words);
    }
    data.set(`weights.${m}`, Float32Array.from(slice(rows.weights)));
  }
  return data;
}
