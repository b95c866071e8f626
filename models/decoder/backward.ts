/** Emits the decoder's backward pass as program nodes. */
import type { ProgramBuilder } from './builder.ts';
import { type DecoderConfig, hasAttentionBias, type ParameterSpec, parameterSpecs } from './config.ts';
import {
  dimensions,
  EMBEDDING,
  emitLayer,
  emitRope,
  emitScaled,
  FINAL_NORM,
  type ForwardActivations,
  type HeadActivations,
  headName,
  type LayerActivations,
  TRAINED,
  type WeightPlan,
} from './forward.ts';
import { adapterNames, adapterSpecs } from './lora/adapters.ts';

/** The trained tensors: every parameter, or the adapters of a frozen model. */
export function trainedSpecs(config: DecoderConfig, plan: WeightPlan): readonly ParameterSpec[] {
  if (!plan.frozen) return parameterSpecs(config);
  return plan.lora === undefined ? [] : adapterSpecs(config, plan.lora);
}

/** What the backward passes of layers and head are emitted for. */
export interface BackwardOptions {
  readonly batch: number;
  readonly length: number;
  /** Whether `gradient.<name>` is bound, for the caller to read, or temporary. */
  readonly storage: 'bound' | 'temporary';
  /** Defaults to `TRAINED`: all parameters are f32 and in training. */
  readonly plan?: WeightPlan;
}

/**
 * Emits the gradients of the trained tensors from `dlogits`. With `recompute`, only the layers' inputs are
 * kept, and each layer's activations are recomputed: the same bits for a third more work. Returns the
 * gradients' names in the order of `trainedSpecs`.
 */
export function emitBackward(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: BackwardOptions & {
    readonly activations: ForwardActivations;
    readonly dlogits: string;
    readonly recompute?: boolean;
  },
): readonly string[] {
  const plan = o.plan ?? TRAINED;
  const { activations } = o;
  let dx = emitHeadBackward(b, config, o);
  for (const [layer, kept] of [...activations.layers.entries()].reverse()) {
    const again = { plan, layer, at: `again.${layer}`, input: kept.input };
    const a = o.recompute === true ? emitLayer(b, config, o, again).activations : kept;
    // With a frozen embedding, nothing below the first layer is trained.
    const wanted = !plan.frozen || layer > 0;
    dx = emitLayerBackward(b, config, { ...o, layer, activations: a, dy: dx, wanted }) ?? dx;
  }
  const gradients = trainedSpecs(config, plan).map(({ name }) => `gradient.${name}`);
  if (plan.frozen) return gradients;

  const { V, D } = dimensions(config, o);
  const lookup = emitEmbeddingBackward(b, config, { ...o, dx });
  if (config.tiedEmbedding) {
    const table = `gradient.${EMBEDDING}`;
    b.node('add', { len: V * D }, [table, lookup], [table]);
  }
  return gradients;
}

/**
 * Emits the gradient of the embedding table through the lookup of `tokens`, from `dx`, the gradient of the
 * rows looked up. Returns its name: that of the table's gradient, or another where the table is the head too.
 */
export function emitEmbeddingBackward(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: BackwardOptions & { readonly dx: string; readonly lookup?: 'bound' | 'temporary' },
): string {
  const { N, V, D } = dimensions(config, o);
  const name = config.tiedEmbedding
    ? b[o.lookup ?? 'temporary']('gradient.embedding.lookup', [V, D])
    : b[o.storage](`gradient.${EMBEDDING}`, [V, D]);
  b.node('embed.grad', { N, V, D }, ['tokens', o.dx], [name]);
  return name;
}

/** The parts that the backward passes of layers and head share. */
function backwardParts(b: ProgramBuilder, config: DecoderConfig, o: BackwardOptions) {
  const plan = o.plan ?? TRAINED;
  const { lora } = plan;
  const d = dimensions(config, o);
  const { N, D } = d;
  const specs = trainedSpecs(config, plan);
  const gradient = (parameter: string): string => {
    const spec = specs.find(({ name }) => name === parameter);
    if (spec === undefined) throw new RangeError(`${parameter} is not trained`);
    return b[o.storage](`gradient.${parameter}`, spec.shape);
  };

  /** Emits the gradients of a projection's adapter, and its share of dx. The forward pass kept `down`. */
  const adapter = (
    dx: string,
    dy: string,
    x: string,
    weight: string,
    size: { in: number; out: number },
    o: { readonly down: string; readonly wanted: boolean },
  ) => {
    if (lora === undefined) return;
    const { rank } = lora;
    const names = adapterNames(weight);
    const gradA = gradient(names.a);
    const gradB = gradient(names.b);
    b.node('matmul', { M: size.out, N: rank, K: N, transposeA: 1, transposeB: 0 }, [dy, o.down], [gradB]);
    const dDown = b.temporary(`${dx}.down`, [N, rank]);
    b.node('matmul', { M: N, N: rank, K: size.out, transposeA: 0, transposeB: 0 }, [dy, names.b], [dDown]);
    const scaled = emitScaled(b, lora, N, dDown);
    b.node('matmul', { M: rank, N: size.in, K: N, transposeA: 1, transposeB: 0 }, [scaled, x], [gradA]);
    if (!o.wanted) return;
    const share = b.temporary(`${dx}.adapter`, [N, size.in]);
    b.node('matmul', { M: N, N: size.in, K: rank, transposeA: 0, transposeB: 0 }, [scaled, names.a], [share]);
    b.node('add', { len: N * size.in }, [dx, share], [dx]);
  };
  /**
   * For y = x W^T, W stored [out, in]: emits dx = dy W if `wanted`, and gradient(W) = dy^T x if W is trained.
   */
  const linear = (
    dx: string,
    dy: string,
    x: string,
    weight: string,
    size: { in: number; out: number },
    o: { readonly down?: string | undefined; readonly wanted?: boolean } = {},
  ) => {
    if (!plan.frozen) {
      b.node(
        'matmul',
        { M: size.out, N: size.in, K: N, transposeA: 1, transposeB: 0 },
        [dy, x],
        [gradient(weight)],
      );
    }
    const { down, wanted = true } = o;
    if (wanted) {
      b.temporary(dx, [N, size.in]);
      b.node('matmul', { M: N, N: size.in, K: size.out, transposeA: 0, transposeB: 0 }, [dy, weight], [dx]);
    }
    if (down !== undefined) adapter(dx, dy, x, weight, size, { down, wanted });
    return dx;
  };
  const norm = (
    dx: string,
    dy: string,
    x: string,
    rstd: string,
    gain: string,
    storage: 'bound' | 'temporary' = 'temporary',
  ) => {
    if (!plan.frozen) b.node('rms.grad.gain', { N, D }, [dy, x, rstd], [gradient(gain)]);
    b[storage](dx, [N, D]);
    b.node('rms.grad.x', { N, D, invD: d.invD }, [dy, x, rstd, gain], [dx]);
    return dx;
  };
  /** Adds `other` to `x`, in place unless there is another tensor for the sum. */
  const accumulate = (x: string, other: string, len: number, into = x) => {
    b.node('add', { len }, [x, other], [into]);
    return into;
  };
  const unrotate = (x: string, heads: number) => {
    const y = b.temporary(`${x}.unrotated`, [N, heads * config.headDim]);
    emitRope(b, config, { N, heads, inverse: 1, x, y });
    return y;
  };
  return { plan, d, gradient, linear, norm, accumulate, unrotate };
}

/**
 * Emits the backward pass of head and final norm. `into` names a bound tensor for the gradient of the last
 * layer's output, whose name is returned. It is a temporary otherwise.
 */
export function emitHeadBackward(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: BackwardOptions & {
    readonly activations: HeadActivations;
    readonly dlogits: string;
    readonly into?: string;
  },
): string {
  const { d, linear } = backwardParts(b, config, o);
  const { last, rstd, normed } = o.activations;
  const size = { in: d.D, out: d.V };
  const dNormed = linear('d.final.normed', o.dlogits, normed, headName(config), size);
  return emitFinalNormBackward(b, config, { ...o, dNormed, last, rstd });
}

/** As `emitHeadBackward`, from `dNormed`, the gradient of what the final norm gave. */
export function emitFinalNormBackward(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: BackwardOptions &
    Pick<HeadActivations, 'last' | 'rstd'> & { readonly dNormed: string; readonly into?: string | undefined },
): string {
  const storage = o.into === undefined ? 'temporary' : 'bound';
  return backwardParts(b, config, o).norm(o.into ?? 'd.last', o.dNormed, o.last, o.rstd, FINAL_NORM, storage);
}

/**
 * Emits the backward pass of a layer from `dy`, the gradient of its output. Returns the gradient of its
 * input, if it is `wanted`: in the bound tensor `into`, which the caller has declared, or in a temporary.
 */
export function emitLayerBackward(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: BackwardOptions & {
    readonly layer: number;
    readonly activations: LayerActivations;
    readonly dy: string;
    readonly wanted: boolean;
    readonly into?: string;
  },
): string | undefined {
  const { plan, d, gradient, linear, norm, accumulate, unrotate } = backwardParts(b, config, o);
  const { N, D, Q, KV, F } = d;
  const { layer, activations: a, dy, wanted } = o;
  const at = `d.layer.${layer}`;
  const w = `model.layers.${layer}`;
  /** As `linear`, with the projection's adapter if it has one. */
  const back = (dx: string, dy: string, x: string, weight: string, size: { in: number; out: number }) =>
    linear(dx, dy, x, weight, size, { down: a.lora.get(weight) });
  const dInner = back(`${at}.inner`, dy, a.inner, `${w}.mlp.down_proj.weight`, { in: F, out: D });
  const dGate = b.temporary(`${at}.gate`, [N, F]);
  const dUp = b.temporary(`${at}.up`, [N, F]);
  b.node('swiglu.grad', { len: N * F }, [dInner, a.gate, a.up], [dGate, dUp]);
  const viaGate = back(`${at}.normed2.gate`, dGate, a.normed2, `${w}.mlp.gate_proj.weight`, {
    in: D,
    out: F,
  });
  const viaUp = back(`${at}.normed2.up`, dUp, a.normed2, `${w}.mlp.up_proj.weight`, { in: D, out: F });
  const dNormed2 = accumulate(viaGate, viaUp, N * D);
  const gain2 = `${w}.post_attention_layernorm.weight`;
  const dMiddle = accumulate(norm(`${at}.middle`, dNormed2, a.middle, a.rstd2, gain2), dy, N * D);

  const attn = `${w}.self_attn`;
  const dAttended = back(`${at}.attended`, dMiddle, a.attended, `${attn}.o_proj.weight`, {
    in: Q,
    out: D,
  });
  const delta = b.temporary(`${at}.delta`, [N, config.heads]);
  b.node(
    'attention.delta',
    { N, heads: config.heads, headDim: config.headDim },
    [dAttended, a.attended],
    [delta],
  );
  const dq = b.temporary(`${at}.q`, [N, Q]);
  const dk = b.temporary(`${at}.k`, [N, KV]);
  const dv = b.temporary(`${at}.v`, [N, KV]);
  const inputs = [a.q, a.k, a.v, 'positions', a.stats, dAttended, delta];
  b.node('attention.grad.q', d.attention, inputs, [dq]);
  b.node('attention.grad.kv', d.attention, inputs, [dk, dv]);
  const project = (name: 'q' | 'k' | 'v', dProjected: string, out: number) => {
    const weight = `${attn}.${name}_proj.weight`;
    if (!plan.frozen && hasAttentionBias(config)) {
      b.node('bias.grad', { N, D: out }, [dProjected], [gradient(`${attn}.${name}_proj.bias`)]);
    }
    const down = a.lora.get(weight);
    return linear(`${at}.normed1.${name}`, dProjected, a.normed1, weight, { in: D, out }, { down, wanted });
  };
  const dNormed1 = project('q', unrotate(dq, config.heads), Q);
  const viaK = project('k', unrotate(dk, config.kvHeads), KV);
  if (wanted) accumulate(dNormed1, viaK, N * D);
  const viaV = project('v', dv, KV);
  if (!wanted) return undefined;
  accumulate(dNormed1, viaV, N * D);
  const gain1 = `${w}.input_layernorm.weight`;
  const input = norm(`${at}.input`, dNormed1, a.input, a.rstd1, gain1);
  return accumulate(input, dMiddle, N * D, o.into);
}
