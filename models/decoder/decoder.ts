/**
 * The decoder's programs. They bind the parameters under their Hugging Face names, the tables `rope.cos` and
 * `rope.sin` ([context, headDim / 2]), and the tensors below. N = batch * length rows are in batch-major
 * order:
 *
 * | name | dtype, shape | in |
 * | --- | --- | --- |
 * | `tokens`, `positions` | u32 [N] | all |
 * | `targets` | u32 [N] | score, training |
 * | `logprobs` | f32 [N], written | score, training |
 * | `weights` | f32 [N] | training: the loss is minus the weighted sum, so the caller divides by its count |
 * | `advantages`, `oldLogprobs`, `ones` | f32 [N] | training with the policy objective |
 * | `hyper` | f32 [3]: learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t) | training |
 * | `optimizer.m.<parameter>`, `optimizer.v.<parameter>` | f32, updated in place | training |
 * | `loss`, `clip` | f32 [1], written | training |
 * | `gradient.<parameter>` | f32, written | gradient |
 * | `cache.k.<layer>`, `cache.v.<layer>` | f32 [batch * cacheLength, kvHeads * headDim], in place | decode |
 * | `uniform`, `ids`, `logprob` | f32, u32, f32 [batch], the latter two written | decode |
 * | `starts` | u32 [batch]: position of each row's first token | prefill |
 * | `prefix.k.<layer>`, `prefix.v.<layer>` | as the caches, of prompts that rows share | prefill, spread |
 * | `sources` | u32 [batch * cacheLength]: the prefix row of each cache row | spread |
 * | `base_model.model.<projection>.lora_A.weight`, `….lora_B.weight` | f32 | all, with adapters |
 * | `lora.zero` | f32 [N, rank], zeros | all, with adapters |
 *
 * With a frozen `WeightPlan`, matrices are bound as bf16, and only adapters have gradients, moments and
 * updates.
 */
import { canon } from '../../compute/repops/arithmetic.ts';
import type { Program } from '../../compute/repops/program.ts';
import { DEFAULT_OPTIMIZER, emitAdamw, emitClip, emitNorms, type OptimizerOptions } from './adamw.ts';
import { emitBackward, trainedSpecs } from './backward.ts';
import { ProgramBuilder } from './builder.ts';
import type { DecoderConfig } from './config.ts';
import { type CacheName, dimensions, emitForward, emitPrefill, TRAINED, type WeightPlan } from './forward.ts';

export interface BatchShape {
  readonly batch: number;
  readonly length: number;
}

/** Bounds of the probability ratio in the policy objective. */
export interface PolicyOptions {
  readonly clipLow: number;
  readonly clipHigh: number;
  /** A token with a negative advantage and a larger ratio has no gradient. */
  readonly ratioCap: number;
}

export const DEFAULT_POLICY: PolicyOptions = { clipLow: 0.8, clipHigh: 1.28, ratioCap: 4 };

/**
 * `supervised`: loss = -sum weights * logprob(target). `policy`: loss = -sum weights * advantages * ratio
 * over the tokens within the clip, where ratio = exp(logprob - oldLogprob).
 */
export type Objective = 'supervised' | 'policy';

export interface GradientOptions extends BatchShape {
  readonly objective: Objective;
  readonly policy?: PolicyOptions;
  /** Defaults to `TRAINED`: all parameters are f32 and in training. */
  readonly plan?: WeightPlan;
  /** Recomputes each layer in the backward pass instead of keeping its activations. Defaults to false. */
  readonly recompute?: boolean;
}

export interface TrainingOptions extends GradientOptions {
  readonly optimizer?: OptimizerOptions;
}

function emitScore(b: ProgramBuilder, config: DecoderConfig, shape: BatchShape, plan: WeightPlan) {
  const activations = emitForward(b, config, { batch: shape.batch, length: shape.length }, plan);
  return { activations, scored: emitLogprobs(b, config, shape, activations.logits) };
}

/**
 * Emits score, loss and backward pass. `storage` tells whether `gradient.<name>` is bound or temporary.
 * Returns the gradients' names in the order of `trainedSpecs`.
 */
export function emitGradients(
  b: ProgramBuilder,
  config: DecoderConfig,
  options: GradientOptions,
  storage: 'bound' | 'temporary',
): readonly string[] {
  const { activations, scored } = emitScore(b, config, options, options.plan ?? TRAINED);
  const dlogits = emitLoss(b, config, options, scored);
  return emitBackward(b, config, {
    batch: options.batch,
    length: options.length,
    activations,
    dlogits,
    storage,
    plan: options.plan,
    recompute: options.recompute,
  });
}

/** The names of logits, their log-sum-exp, the target ids and the log-probabilities of the targets. */
export interface Scored {
  readonly logits: string;
  readonly lse: string;
  readonly targets: string;
  readonly logprobs: string;
}

/** Emits the log-probabilities of `targets`. */
export function emitLogprobs(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: BatchShape,
  logits: string,
): Scored {
  const N = shape.batch * shape.length;
  const V = config.vocabulary;
  const lse = b.temporary('lse', [N]);
  const targets = b.bound('targets', [N], 'u32');
  const logprobs = b.bound('logprobs', [N]);
  b.node('xent.lse', { N, V }, [logits], [lse]);
  b.node('xent.logprob', { N, V }, [logits, lse, targets], [logprobs]);
  return { logits, lse, targets, logprobs };
}

/**
 * Emits the objective's `loss`. Returns the name of the factor of each row's gradient: `weights`, or under
 * the policy's objective `coefficient`, which is a temporary unless `coefficient` says `bound`.
 */
export function emitObjective(
  b: ProgramBuilder,
  options: GradientOptions & { readonly coefficient?: 'bound' | 'temporary' },
  logprobs: string,
): string {
  const N = options.batch * options.length;
  const weights = b.bound('weights', [N]);
  const loss = b.bound('loss', [1]);
  if (options.objective !== 'policy') {
    b.node('loss.weighted', { N }, [weights, logprobs], [loss]);
    return weights;
  }
  const policy = options.policy ?? DEFAULT_POLICY;
  const coefficient = b[options.coefficient ?? 'temporary']('coefficient', [N]);
  b.node(
    'policy.coefficient',
    {
      N,
      clipLow: canon(policy.clipLow),
      clipHigh: canon(policy.clipHigh),
      ratioCap: canon(policy.ratioCap),
    },
    [logprobs, b.bound('oldLogprobs', [N]), b.bound('advantages', [N]), weights],
    [coefficient],
  );
  // The coefficient is weight * advantage * ratio, so the surrogate's value is its sum.
  b.node('loss.weighted', { N }, [coefficient, b.bound('ones', [N])], [loss]);
  return coefficient;
}

/** Emits the objective's `loss` and the gradient of the logits, whose name it returns. */
export function emitLoss(
  b: ProgramBuilder,
  config: DecoderConfig,
  options: GradientOptions,
  { logits, lse, targets, logprobs }: Scored,
): string {
  const N = options.batch * options.length;
  const V = config.vocabulary;
  const coefficient = emitObjective(b, options, logprobs);
  const dlogits = b.temporary('d.logits', [N, V]);
  b.node('xent.grad', { N, V }, [logits, lse, targets, coefficient], [dlogits]);
  return dlogits;
}

/** Computes the log-probability of each target: `tokens`, `positions`, `targets` -> `logprobs`. */
export function scoreProgram(config: DecoderConfig, shape: BatchShape, plan: WeightPlan = TRAINED): Program {
  const b = new ProgramBuilder();
  emitScore(b, config, shape, plan);
  return b.build(`score ${shape.batch}x${shape.length}`);
}

/**
 * One optimizer step: forward, loss, backward, global-norm clip, and AdamW in place on every trained tensor.
 */
export function trainingProgram(config: DecoderConfig, options: TrainingOptions): Program {
  const b = new ProgramBuilder();
  const optimizer = options.optimizer ?? DEFAULT_OPTIMIZER;
  const gradients = emitGradients(b, config, options, 'temporary');
  const specs = trainedSpecs(config, options.plan ?? TRAINED);
  const sums = emitNorms(b, specs, gradients, 'temporary');
  const clip = emitClip(b, sums, optimizer);
  emitAdamw(b, specs, gradients, { clip, optimizer });
  return b.build(`train ${options.objective} ${options.batch}x${options.length}`);
}

export interface DecodeOptions {
  /** Number of rows that decode together, one token each. */
  readonly batch: number;
  /** Rows of the key/value cache per batch row, at most the context. */
  readonly cacheLength: number;
  /** 1 / temperature. */
  readonly invTemperature: number;
  /** Takes the most probable token instead of sampling. */
  readonly greedy: boolean;
  /** Samples from the k most probable tokens; 0 means all. Ties at the edge are all kept. Defaults to 0. */
  readonly topK?: number;
  /** Samples from the most probable tokens with this share of the probability; 1 means all. Defaults to 1. */
  readonly topP?: number;
  readonly plan?: WeightPlan;
}

/**
 * Decodes one token per row. Runs `tokens` at `positions` against the cache, which it extends. Samples the
 * next token into `ids`, with its log-probability at that temperature in `logprob`. At temperature 1 the
 * log-probability has the bits of `scoreProgram` for the same sequence, whatever the batch size and cache
 * length.
 */
export function decodeProgram(config: DecoderConfig, options: DecodeOptions): Program {
  const b = new ProgramBuilder();
  const { batch, cacheLength, greedy, topK = 0, topP = 1 } = options;
  const { vocabulary: V } = config;
  let { logits } = emitForward(b, config, { batch, length: 1, cacheLength }, options.plan);
  let invTemperature = canon(options.invTemperature);
  if (!greedy && (topK > 0 || topP < 1)) {
    const filtered = b.temporary('filtered', [batch, V]);
    const attributes = { N: batch, V, topK: Math.min(topK, V), topP: canon(topP), invTemperature };
    b.node('sample.filter', attributes, [logits], [filtered]);
    logits = filtered;
    invTemperature = 1;
  }
  b.node(
    'sample',
    { N: batch, V, invTemperature, greedy: greedy ? 1 : 0 },
    [logits, b.bound('uniform', [batch])],
    [b.bound('ids', [batch], 'u32'), b.bound('logprob', [batch])],
  );
  return b.build(`decode ${batch}x${cacheLength}`);
}

export interface PrefillOptions extends BatchShape {
  readonly cacheLength: number;
  /** Which caches to fill. Defaults to `cache`. */
  readonly cache?: CacheName;
  readonly plan?: WeightPlan;
}

/**
 * Runs `length` tokens per row through the model at once, from position `starts`, to fill the caches.
 * `decodeProgram` then continues as if it had run them one by one. `positions` are `starts` + 0, 1, 2, ... .
 */
export function prefillProgram(config: DecoderConfig, options: PrefillOptions): Program {
  const b = new ProgramBuilder();
  emitPrefill(b, config, options, options.plan);
  return b.build(`prefill ${options.batch}x${options.length} of ${options.cacheLength}`);
}

export interface SpreadOptions {
  /** Prompts in the prefix caches. */
  readonly prompts: number;
  /** Rows of the prefix cache per prompt. */
  readonly prefixLength: number;
  /** Rows that decode together. */
  readonly batch: number;
  /** Rows of the key/value cache per batch row. */
  readonly cacheLength: number;
}

/**
 * Copies the prefix caches of prompts to the caches of the rows that continue them. Row i of a cache gets row
 * `sources`[i] of the prefix cache.
 */
export function spreadProgram(config: DecoderConfig, options: SpreadOptions): Program {
  const b = new ProgramBuilder();
  const { prompts, prefixLength, batch, cacheLength } = options;
  const { KV } = dimensions(config, { batch, length: 1, cacheLength });
  const [N, V] = [batch * cacheLength, prompts * prefixLength];
  const sources = b.bound('sources', [N], 'u32');
  for (let layer = 0; layer < config.layers; layer++) {
    for (const part of ['k', 'v']) {
      const prefix = b.bound(`prefix.${part}.${layer}`, [V, KV]);
      // A table's rows by index are a copy of them: embedding computes nothing.
      b.node('embed', { N, V, D: KV }, [sources, prefix], [b.bound(`cache.${part}.${layer}`, [N, KV])]);
    }
  }
  return b.build(`spread ${prompts}x${prefixLength} to ${batch}x${cacheLength}`);
}
