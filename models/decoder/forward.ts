/** The decoder's forward pass as program nodes. */
import { canon } from '../../compute/repops/arithmetic.ts';
import { recip, rsqrt } from '../../compute/repops/functions.ts';
import type { DType } from '../../compute/repops/program.ts';
import type { ProgramBuilder } from './builder.ts';
import { type DecoderConfig, hasAttentionBias, type ParameterSpec, parameterSpecs } from './config.ts';
import { adapterNames, type LoraOptions, loraScale, projectionOf } from './lora/adapters.ts';

/** Storage of the parameters: all f32 and in training, or frozen with bf16 matrices and optional adapters. */
export interface WeightPlan {
  readonly frozen: boolean;
  readonly lora?: LoraOptions;
}

/** The plan of a model with every parameter in training. */
export const TRAINED: WeightPlan = { frozen: false };

/** The names of one layer's activations that the backward pass reads. */
export interface LayerActivations {
  readonly input: string;
  readonly rstd1: string;
  readonly normed1: string;
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly attended: string;
  readonly stats: string;
  readonly middle: string;
  readonly rstd2: string;
  readonly normed2: string;
  readonly gate: string;
  readonly up: string;
  readonly inner: string;
  /** The adapters' scaled down-projections x A^T, [rows, rank], by the name of their projection's weight. */
  readonly lora: ReadonlyMap<string, string>;
}

/** The names of the activations of final norm and head. */
export interface HeadActivations {
  /** Output of the last layer. */
  readonly last: string;
  readonly rstd: string;
  readonly normed: string;
  /** [rows, vocabulary] */
  readonly logits: string;
}

export interface ForwardActivations extends HeadActivations {
  readonly layers: readonly LayerActivations[];
}

/** `prefix` caches hold prompts that several rows share, and `cache` the rows that decode. */
export type CacheName = 'cache' | 'prefix';

/** The shape of a forward pass, over the batch's own keys or over a key/value cache. */
export interface ForwardShape {
  readonly batch: number;
  /** Query tokens per batch entry. */
  readonly length: number;
  /** Rows of the key/value cache per batch entry. Absent when the keys are the batch's own. */
  readonly cacheLength?: number;
  /** First part of the caches' names. Defaults to `cache`. */
  readonly cache?: CacheName;
}

/** Shapes and constants that forward and backward share. */
export function dimensions(config: DecoderConfig, shape: ForwardShape) {
  return {
    N: shape.batch * shape.length,
    D: config.hiddenSize,
    Q: config.heads * config.headDim,
    KV: config.kvHeads * config.headDim,
    F: config.feedForward,
    V: config.vocabulary,
    invD: recip(config.hiddenSize),
    eps: canon(config.normEpsilon),
    attention: {
      B: shape.batch,
      Tq: shape.length,
      Tk: shape.cacheLength ?? shape.length,
      heads: config.heads,
      kvHeads: config.kvHeads,
      headDim: config.headDim,
      scale: rsqrt(config.headDim),
    },
  };
}

/** The type of a parameter on the engine. Vectors (norm gains, biases) are small and stay f32. */
export function parameterDType(plan: WeightPlan, shape: readonly number[]): DType {
  return plan.frozen && shape.length > 1 ? 'bf16' : 'f32';
}

/** Declares parameters as bound tensors under their own names. `specs` defaults to all of them. */
export function declareParameters(
  b: ProgramBuilder,
  config: DecoderConfig,
  plan: WeightPlan = TRAINED,
  specs: readonly ParameterSpec[] = parameterSpecs(config),
): void {
  for (const { name, shape } of specs) b.bound(name, shape, parameterDType(plan, shape));
}

/** The name of the embedding table. */
export const EMBEDDING = 'model.embed_tokens.weight';

/** The name of the gain of the norm before the head. */
export const FINAL_NORM = 'model.norm.weight';

/** The name of the table that maps hidden states to logits. */
export function headName(config: DecoderConfig): string {
  return config.tiedEmbedding ? EMBEDDING : 'lm_head.weight';
}

/** Declares cos/sin tables and rotates each head of `x`. */
export function emitRope(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: { N: number; heads: number; inverse: 0 | 1; x: string; y: string },
): void {
  const tableShape = [config.context, config.headDim / 2];
  b.node(
    config.ropeInterleaved === true ? 'rope.pairs' : 'rope',
    { N: o.N, heads: o.heads, headDim: config.headDim, P: config.context, inverse: o.inverse },
    [o.x, 'positions', b.bound('rope.cos', tableShape), b.bound('rope.sin', tableShape)],
    [o.y],
  );
}

/**
 * Emits x A^T * alpha / rank for the adapter of `weight`. Scaling here is cheapest, since this tensor is the
 * narrowest.
 */
function emitDown(
  b: ProgramBuilder,
  lora: LoraOptions,
  o: {
    readonly y: string;
    readonly x: string;
    readonly weight: string;
    readonly N: number;
    readonly in: number;
  },
): string {
  const a = b.bound(adapterNames(o.weight).a, [lora.rank, o.in]);
  const down = b.temporary(`${o.y}.down`, [o.N, lora.rank]);
  b.node('matmul', { M: o.N, N: lora.rank, K: o.in, transposeA: 0, transposeB: 1 }, [o.x, a], [down]);
  return emitScaled(b, lora, o.N, down);
}

/** Emits alpha / rank times an [N, rank] tensor, as 0 + scale * x, which needs no further operator. */
export function emitScaled(b: ProgramBuilder, lora: LoraOptions, N: number, x: string): string {
  const scale = loraScale(lora);
  if (scale === 1) return x;
  const zero = b.bound('lora.zero', [N, lora.rank]);
  const y = b.temporary(`${x}.scaled`, [N, lora.rank]);
  b.node('add.scaled', { len: N * lora.rank, scale }, [zero, x], [y]);
  return y;
}

/**
 * The parts of a layer that forward pass, prefill and recomputation share. Adapters' down-projections are
 * noted in `lora`.
 */
function layerParts(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  plan: WeightPlan,
  lora = new Map<string, string>(),
) {
  const d = dimensions(config, shape);
  const { N, D } = d;
  /** y = x W^T (+ bias) (+ adapter), W stored [out, in]. */
  const linear = (y: string, x: string, weight: string, size: { in: number; out: number }, bias?: string) => {
    b.temporary(y, [N, size.out]);
    b.node('matmul', { M: N, N: size.out, K: size.in, transposeA: 0, transposeB: 1 }, [x, weight], [y]);
    if (bias !== undefined) b.node('bias.add', { N, D: size.out }, [y, bias], [y]);
    const projection = projectionOf(weight);
    if (plan.lora === undefined || projection === undefined || !plan.lora.targets.includes(projection))
      return y;
    const { rank } = plan.lora;
    const down = emitDown(b, plan.lora, { y, x, weight, N, in: size.in });
    lora.set(weight, down);
    const up = b.temporary(`${y}.adapter`, [N, size.out]);
    const factor = b.bound(adapterNames(weight).b, [size.out, rank]);
    b.node('matmul', { M: N, N: size.out, K: rank, transposeA: 0, transposeB: 1 }, [down, factor], [up]);
    b.node('add', { len: N * size.out }, [y, up], [y]);
    return y;
  };
  const norm = (prefix: string, x: string, gain: string, into?: string) => {
    const rstd = b.temporary(`${prefix}.rstd`, [N]);
    const normed = into ?? b.temporary(`${prefix}.out`, [N, D]);
    b.node('rms.rstd', { N, D, invD: d.invD, eps: d.eps }, [x], [rstd]);
    b.node('rms.apply', { N, D }, [x, rstd, gain], [normed]);
    return { rstd, normed };
  };
  const rotate = (x: string, heads: number) => {
    const y = b.temporary(`${x}.rotated`, [N, heads * config.headDim]);
    emitRope(b, config, { N, heads, inverse: 0, x, y });
    return y;
  };
  return { d, linear, norm, rotate };
}

/** One layer of a program: which one, on which input. `at` prefixes the names of its temporaries. */
export interface LayerPlace {
  readonly plan: WeightPlan;
  readonly layer: number;
  readonly at: string;
  readonly input: string;
}

/**
 * Emits one layer. `into` names a bound tensor for its output, which is a temporary otherwise. Returns its
 * activations and its output.
 */
export function emitLayer(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  o: LayerPlace & { readonly into?: string },
): { readonly activations: LayerActivations; readonly output: string } {
  const { plan, layer, at } = o;
  const lora = new Map<string, string>();
  const activations = emitUpToOutput(b, config, shape, o, lora);
  const { d, linear } = layerParts(b, config, shape, plan, lora);
  const { N, D, F } = d;
  const down = `model.layers.${layer}.mlp.down_proj.weight`;
  const output = linear(`${at}.output`, activations.inner, down, { in: F, out: D });
  const into = o.into ?? output;
  b.node('add', { len: N * D }, [output, activations.middle], [into]);
  return { activations, output: into };
}

/**
 * Emits all that a layer's backward pass reads. The layer's output is left out, unless an adapter of its last
 * projection is trained.
 */
export function emitLayerActivations(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  o: LayerPlace,
): LayerActivations {
  if (o.plan.lora?.targets.includes('down_proj')) return emitLayer(b, config, shape, o).activations;
  return emitUpToOutput(b, config, shape, o, new Map());
}

/** Emits a layer but for its last projection. */
function emitUpToOutput(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  o: LayerPlace,
  lora: Map<string, string>,
): LayerActivations {
  const { plan, layer, at, input } = o;
  const { d, linear, norm, rotate } = layerParts(b, config, shape, plan, lora);
  const { N, D, Q, KV, F } = d;
  const w = `model.layers.${layer}`;
  const n1 = norm(`${at}.norm1`, input, `${w}.input_layernorm.weight`);
  const attn = `${w}.self_attn`;
  const project = (name: 'q' | 'k' | 'v', out: number) =>
    linear(
      `${at}.${name}`,
      n1.normed,
      `${attn}.${name}_proj.weight`,
      { in: D, out },
      hasAttentionBias(config) ? `${attn}.${name}_proj.bias` : undefined,
    );
  const q = rotate(project('q', Q), config.heads);
  const ownK = rotate(project('k', KV), config.kvHeads);
  const ownV = project('v', KV);
  const { k, v } = emitCache(b, shape, { layer, KV, k: ownK, v: ownV });
  const attended = b.temporary(`${at}.attended`, [N, Q]);
  const stats = b.temporary(`${at}.stats`, [N, config.heads, 2]);
  b.node('attention', d.attention, [q, k, v, 'positions'], [attended, stats]);
  const middle = linear(`${at}.middle`, attended, `${attn}.o_proj.weight`, { in: Q, out: D });
  b.node('add', { len: N * D }, [middle, input], [middle]);

  const n2 = norm(`${at}.norm2`, middle, `${w}.post_attention_layernorm.weight`);
  const gate = linear(`${at}.gate`, n2.normed, `${w}.mlp.gate_proj.weight`, { in: D, out: F });
  const up = linear(`${at}.up`, n2.normed, `${w}.mlp.up_proj.weight`, { in: D, out: F });
  const inner = b.temporary(`${at}.inner`, [N, F]);
  b.node('swiglu', { len: N * F }, [gate, up], [inner]);
  return {
    input,
    rstd1: n1.rstd,
    normed1: n1.normed,
    q,
    k,
    v,
    attended,
    stats,
    middle,
    rstd2: n2.rstd,
    normed2: n2.normed,
    gate,
    up,
    inner,
    lora,
  };
}

/**
 * Writes a layer's keys and values to its cache, if there is one. Returns the keys and values for attention.
 */
function emitCache(
  b: ProgramBuilder,
  shape: ForwardShape,
  o: { readonly layer: number; readonly KV: number; readonly k: string; readonly v: string },
): { readonly k: string; readonly v: string } {
  if (shape.cacheLength === undefined) return { k: o.k, v: o.v };
  const Tk = shape.cacheLength;
  const { cache: name = 'cache' } = shape;
  const k = b.bound(`${name}.k.${o.layer}`, [shape.batch * Tk, o.KV]);
  const v = b.bound(`${name}.v.${o.layer}`, [shape.batch * Tk, o.KV]);
  for (const [cache, own] of [
    [k, o.k],
    [v, o.v],
  ] as const) {
    if (shape.length === 1) {
      b.node('cache.write', { B: shape.batch, Tk, D: o.KV }, [cache, own, 'positions'], [cache]);
    } else {
      const starts = b.bound('starts', [shape.batch], 'u32');
      const attributes = { B: shape.batch, R: shape.length, Tk, D: o.KV };
      b.node('cache.write.rows', attributes, [cache, own, starts], [cache]);
    }
  }
  return { k, v };
}

function emitEmbedding(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  plan: WeightPlan,
): string {
  const { N, D, V } = dimensions(config, shape);
  declareParameters(b, config, plan);
  b.bound('tokens', [N], 'u32');
  b.bound('positions', [N], 'u32');
  const x = b.temporary('embedded', [N, D]);
  b.node('embed', { N, V, D }, ['tokens', EMBEDDING], [x]);
  return x;
}

/**
 * Emits embedding, layers, final norm and head. Binds `tokens` and `positions` (u32 [rows]), `rope.cos`,
 * `rope.sin` and the parameters. With `cacheLength` it also binds `cache.k.<layer>` and `cache.v.<layer>`
 * ([batch * cacheLength, kvHeads * headDim]). With adapters it also binds them and `lora.zero` ([rows, rank],
 * zeros).
 */
export function emitForward(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  plan: WeightPlan = TRAINED,
): ForwardActivations {
  let x = emitEmbedding(b, config, shape, plan);
  const layers: LayerActivations[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const { activations, output } = emitLayer(b, config, shape, {
      plan,
      layer,
      at: `layer.${layer}`,
      input: x,
    });
    layers.push(activations);
    x = output;
  }
  return { layers, ...emitHead(b, config, shape, { plan, input: x }) };
}

/**
 * Emits the norm between the last layer and the head: in the bound tensor `into`, which the caller has
 * declared, or in a temporary. The gain `FINAL_NORM` is declared.
 */
export function emitFinalNorm(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  o: { readonly plan: WeightPlan; readonly input: string; readonly into?: string | undefined },
): Pick<HeadActivations, 'rstd' | 'normed'> {
  return layerParts(b, config, shape, o.plan).norm('final', o.input, FINAL_NORM, o.into);
}

/** Emits the final norm and the head on the output of the last layer. */
export function emitHead(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
  o: { readonly plan: WeightPlan; readonly input: string },
): HeadActivations {
  const { d, linear } = layerParts(b, config, shape, o.plan);
  const { rstd, normed } = emitFinalNorm(b, config, shape, o);
  const logits = linear('logits', normed, headName(config), { in: d.D, out: d.V });
  return { last: o.input, rstd, normed, logits };
}

/**
 * Emits the computation of keys and values for the caches, for `shape.length` tokens per row from position
 * `starts`. The last layer ends at its caches. Binds the tensors of `emitForward`, and `starts` (u32
 * [batch]).
 */
export function emitPrefill(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape & { readonly cacheLength: number },
  plan: WeightPlan = TRAINED,
): void {
  let x = emitEmbedding(b, config, shape, plan);
  const last = config.layers - 1;
  for (let layer = 0; layer < last; layer++) {
    x = emitLayer(b, config, shape, { plan, layer, at: `layer.${layer}`, input: x }).output;
  }
  const { d, linear, norm, rotate } = layerParts(b, config, shape, plan);
  const w = `model.layers.${last}`;
  const { normed } = norm(`layer.${last}.norm1`, x, `${w}.input_layernorm.weight`);
  const project = (name: 'k' | 'v') =>
    linear(
      `layer.${last}.${name}`,
      normed,
      `${w}.self_attn.${name}_proj.weight`,
      { in: d.D, out: d.KV },
      hasAttentionBias(config) ? `${w}.self_attn.${name}_proj.bias` : undefined,
    );
  const k = rotate(project('k'), config.kvHeads);
  emitCache(b, shape, { layer: last, KV: d.KV, k, v: project('v') });
}
