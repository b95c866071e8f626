/** The decoder's forward pass as program nodes. */
import { canon } from '../repops/arithmetic.ts';
import { recip, rsqrt } from '../repops/functions.ts';
import type { ProgramBuilder } from './builder.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';

/** Names of one layer's activations that the backward pass reads. */
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
}

export interface ForwardActivations {
  readonly layers: readonly LayerActivations[];
  /** Output of the last layer. */
  readonly last: string;
  readonly rstd: string;
  readonly normed: string;
  /** [rows, vocabulary] */
  readonly logits: string;
}

/** How the rows of a forward pass see keys: `tokens` of a batch among themselves, or one token a row against a cache. */
export interface ForwardShape {
  readonly batch: number;
  /** Query tokens per batch entry. */
  readonly length: number;
  /** Rows of the key/value cache per batch entry; absent when the keys are the batch's own. */
  readonly cacheLength?: number;
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

/** Declares every parameter as a bound tensor under its own name. */
export function declareParameters(b: ProgramBuilder, config: DecoderConfig): void {
  for (const { name, shape } of parameterSpecs(config)) b.bound(name, shape);
}

/** The table that makes logits of hidden states. */
export function headName(config: DecoderConfig): string {
  return config.tiedEmbedding ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/** Declares cos/sin tables and rotates each head of `x`. */
export function emitRope(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: { N: number; heads: number; inverse: 0 | 1; x: string; y: string },
): void {
  const tableShape = [config.context, config.headDim / 2];
  b.node(
    'rope',
    { N: o.N, heads: o.heads, headDim: config.headDim, P: config.context, inverse: o.inverse },
    [o.x, 'positions', b.bound('rope.cos', tableShape), b.bound('rope.sin', tableShape)],
    [o.y],
  );
}

/**
 * Emits embedding, layers, final norm and head. Binds `tokens`, `positions` (u32 [rows]), `rope.cos`, `rope.sin`, the
 * parameters and, with `cacheLength`, `cache.k.<layer>` and `cache.v.<layer>` ([batch * cacheLength, kvHeads * headDim]).
 */
export function emitForward(
  b: ProgramBuilder,
  config: DecoderConfig,
  shape: ForwardShape,
): ForwardActivations {
  const d = dimensions(config, shape);
  const { N, D, Q, KV, F, V } = d;
  declareParameters(b, config);
  b.bound('tokens', [N], 'u32');
  b.bound('positions', [N], 'u32');

  /** y = x W^T (+ bias), W stored [out, in]. */
  const linear = (y: string, x: string, weight: string, size: { in: number; out: number }, bias?: string) => {
    b.temporary(y, [N, size.out]);
    b.node('matmul', { M: N, N: size.out, K: size.in, transposeA: 0, transposeB: 1 }, [x, weight], [y]);
    if (bias !== undefined) b.node('bias.add', { N, D: size.out }, [y, bias], [y]);
    return y;
  };
  const norm = (prefix: string, x: string, gain: string) => {
    const rstd = b.temporary(`${prefix}.rstd`, [N]);
    const normed = b.temporary(`${prefix}.out`, [N, D]);
    b.node('rms.rstd', { N, D, invD: d.invD, eps: d.eps }, [x], [rstd]);
    b.node('rms.apply', { N, D }, [x, rstd, gain], [normed]);
    return { rstd, normed };
  };
  const rotate = (x: string, heads: number) => {
    const y = b.temporary(`${x}.rotated`, [N, heads * config.headDim]);
    emitRope(b, config, { N, heads, inverse: 0, x, y });
    return y;
  };

  let x = b.temporary('embedded', [N, D]);
  b.node('embed', { N, V, D }, ['tokens', 'model.embed_tokens.weight'], [x]);
  const layers: LayerActivations[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `layer.${layer}`;
    const w = `model.layers.${layer}`;
    const input = x;
    const n1 = norm(`${at}.norm1`, input, `${w}.input_layernorm.weight`);
    const attn = `${w}.self_attn`;
    const project = (name: 'q' | 'k' | 'v', out: number) =>
      linear(
        `${at}.${name}`,
        n1.normed,
        `${attn}.${name}_proj.weight`,
        { in: D, out },
        `${attn}.${name}_proj.bias`,
      );
    const q = rotate(project('q', Q), config.heads);
    const ownK = rotate(project('k', KV), config.kvHeads);
    const ownV = project('v', KV);
    let [k, v] = [ownK, ownV];
    if (shape.cacheLength !== undefined) {
      const Tk = shape.cacheLength;
      k = b.bound(`cache.k.${layer}`, [shape.batch * Tk, KV]);
      v = b.bound(`cache.v.${layer}`, [shape.batch * Tk, KV]);
      b.node('cache.write', { B: shape.batch, Tk, D: KV }, [k, ownK, 'positions'], [k]);
      b.node('cache.write', { B: shape.batch, Tk, D: KV }, [v, ownV, 'positions'], [v]);
    }
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
    x = linear(`${at}.output`, inner, `${w}.mlp.down_proj.weight`, { in: F, out: D });
    b.node('add', { len: N * D }, [x, middle], [x]);
    layers.push({
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
    });
  }
  const final = norm('final', x, 'model.norm.weight');
  const logits = linear('logits', final.normed, headName(config), { in: D, out: V });
  return { layers, last: x, rstd: final.rstd, normed: final.normed, logits };
}
